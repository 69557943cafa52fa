/**
 * Who must reach whom with what, worked out from what people declared and from nothing else: no id, no route and no status of
 * Heddle has a part in it, so that it can bear witness against all of them. Pure.
 */
import { parsePortRef } from '../api/port.ts';
import { refKey, refOf, type Resource } from '../api/object.ts';
import type { AddressSpaceSpec } from '../api/kinds/addressspace.ts';
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { Subnet, VpcSpec } from '../api/kinds/vpc.ts';
import type { VpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import { byText } from '../kit/order.ts';
import { hostPrefix, parseAddress } from '../net/address.ts';
import { contains, overlaps, parsePrefix, prefixLength } from '../net/prefix.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { roomOf } from './oraclecapacity.ts';
import { externalsOf, inboundVerdict, outsidePairings, type Outside } from './oracleoutside.ts';
import { peeringsOf, type Pairing } from './oraclepeering.ts';
import { policiesOf, policyAllows, type Policy } from './oraclepolicy.ts';
import type { Service, Verdict } from './service.ts';

/** Kinds whose objects are intent. */
export const intentKinds = [
  'Server', 'Switch', 'SwitchProfile', 'Connection', 'AddressSpace', 'VPC', 'VPCAttachment', 'VPCPeering', 'PeeringConsent', 'External', 'ExternalPeering', 'SecurityPolicy',
] as const;
export type Intent = { readonly [Kind in (typeof intentKinds)[number]]?: readonly Resource[] };

/** A server port, or what carries a VLAN tag on it, that is in a subnet. */
export interface Endpoint {
  readonly server: string;
  readonly port: string;
  readonly vlan?: number;
  readonly connection: string;
  readonly namespace: string;
  readonly vpc: string;
  readonly subnet: string;
  /** Name of the attachment, and its labels. */
  readonly attachment: string;
  readonly labels: { readonly [name: string]: string };
}

/** One who takes part: a server that is attached nowhere, one attachment, an address that a server announces, or an External. */
export interface Party {
  readonly label: string;
  readonly server?: string;
  readonly endpoint?: Endpoint;
  readonly external?: string;
  /** Addresses that intent gives, of an External or announced; those of an attachment are allocated. */
  readonly addresses?: readonly Address[];
}

/** A party at one of its addresses. */
export interface End {
  readonly party: Party;
  /** Left out where nobody knows it, or it has none. */
  readonly address?: Address;
}

/** Addresses that servers announce by BGP, by server: the one part of intent that no object holds. */
export type Announced = ReadonlyMap<string, readonly Prefix[]>;

export interface AcceptedVpc {
  readonly addressSpace: string;
  readonly subnets: VpcSpec['subnets'];
  readonly spec: VpcSpec;
}

/** Everything worked out once for a state of intent. */
export interface Oracle {
  readonly endpoints: readonly Endpoint[];
  readonly externals: readonly Outside[];
  /** @param servers all servers that take part, also those that are attached nowhere */
  parties(servers: readonly string[], announced?: Announced): Party[];
  judge(from: End, to: End, service: Service): Verdict;
  /** Ports that policies speak of, and one beside each range: worth trying. */
  ports(proto: 'tcp' | 'udp'): number[];
}

export const oracleOf = (intent: Intent): Oracle => {
  const vpcs = acceptedVpcs(intent);
  const endpoints = endpointsOf(intent, vpcs);
  const externals = externalsOf(intent);
  const world: World = {
    vpcs,
    endpoints,
    externals: new Map(externals.map((external) => [external.name, external])),
    pairings: [...peeringsOf(intent, vpcs), ...outsidePairings(intent, vpcs, externals)],
    policies: policiesOf(intent),
  };
  return {
    endpoints,
    externals,
    parties: (servers, announced = new Map()) => partiesOf(world, servers, announced),
    judge: (from, to, service) => judge(world, from, to, service),
    ports: (proto) => portsOf(world.policies, proto),
  };
};

interface World {
  readonly vpcs: ReadonlyMap<string, AcceptedVpc>;
  readonly endpoints: readonly Endpoint[];
  readonly externals: ReadonlyMap<string, Outside>;
  readonly pairings: readonly Pairing[];
  readonly policies: readonly Policy[];
}

/** Every attachment that can take effect: its VPC, subnet and connection exist, no elder object holds its place, and switches have room. */
export const endpointsOf = (intent: Intent, vpcs = acceptedVpcs(intent)): Endpoint[] => {
  const servers = new Set((intent.Server ?? []).map((server) => server.metadata.name));
  const connections = new Map((intent.Connection ?? []).map((object) => [object.metadata.name, object.spec as ConnectionSpec]));
  const taken = new Set<string>();
  const hasRoom = roomOf(intent);
  return byAge(intent.VPCAttachment ?? []).flatMap((object): Endpoint[] => {
    const { metadata, spec } = object;
    const { vpc, subnet = 'default', connection, vlan } = spec as VpcAttachmentSpec;
    const { namespace = '', name: attachment, labels = {} } = metadata;
    const port = serverPort(connections.get(connection), servers);
    // A tag leads to one subnet, and a server is in a subnet once.
    const places = [`${connection} ${vlan ?? 'untagged'}`, `${connection} ${namespace}/${vpc}/${subnet}`];
    const isTaken = places.some((place) => taken.has(place));
    for (const place of places) taken.add(place);
    if (port === undefined || isTaken) return [];
    if (vpcs.get(`${namespace}/${vpc}`)?.subnets[subnet] === undefined || !hasRoom(object)) return [];
    return [{ ...port, ...(vlan !== undefined && { vlan }), connection, namespace, vpc, subnet, attachment, labels }];
  });
};

/** How an endpoint is called: by its server alone where that has no other. */
const labelOf = ({ server, port, vlan }: Endpoint, isOnly: boolean): string =>
  isOnly ? server : `${server}/${port}${vlan === undefined ? '' : `.${vlan}`}`;

const partiesOf = ({ endpoints, externals, vpcs }: World, servers: readonly string[], announced: Announced): Party[] => {
  const byServer = Map.groupBy(endpoints, ({ server }) => server);
  const attached = servers.flatMap((server): Party[] => {
    const own = byServer.get(server) ?? [];
    if (own.length === 0) return [{ label: server, server }];
    return own.map((endpoint) => ({ label: labelOf(endpoint, own.length === 1), server, endpoint }));
  });
  const announcing = [...announced].flatMap(([server, prefixes]) =>
    prefixes.flatMap((prefix) => {
      const endpoint = byServer.get(server)?.find((each) => hostBgpOf(vpcs, each) !== undefined);
      const address = parseAddress(prefix.split('/')[0] ?? '');
      if (endpoint === undefined || !address.ok) return [];
      return [{ label: `${server}@${address.value}`, server, endpoint, addresses: [address.value] }];
    }),
  );
  const outside = [...externals.values()].map(({ name: external, addresses }) => ({ label: external, external, addresses }));
  return [...attached, ...announcing, ...outside];
};

const subnetOf = (vpcs: ReadonlyMap<string, AcceptedVpc>, { namespace, vpc, subnet }: Endpoint): Subnet | undefined =>
  vpcs.get(`${namespace}/${vpc}`)?.subnets[subnet];

const hostBgpOf = (vpcs: ReadonlyMap<string, AcceptedVpc>, endpoint: Endpoint) => subnetOf(vpcs, endpoint)?.hostBGP;

const judge = (world: World, from: End, to: End, service: Service): Verdict => {
  if (!isInFamily(world, from, service) || !isInFamily(world, to, service)) return 'deny';
  if (!isAnnouncedRightly(world, from) || !isAnnouncedRightly(world, to)) return 'deny';
  if (!mayMeet(world, from, to) || !policyAllows(world.policies, world.vpcs, from, to, service)) return 'deny';
  const [outsideFrom, outsideTo] = [outsideOf(world, from), outsideOf(world, to)];
  if (outsideFrom !== undefined && !inboundVerdict(outsideFrom, from, to, service, false)) return 'deny';
  return outsideTo !== undefined && !inboundVerdict(outsideTo, to, from, service, true) ? 'oneway' : 'allow';
};

const outsideOf = ({ externals }: World, { party }: End): Outside | undefined =>
  party.external === undefined ? undefined : externals.get(party.external);

const isInFamily = ({ vpcs }: World, { party, address }: End, { family }: Service): boolean => {
  if (address !== undefined && address.includes(':') !== (family === 6)) return false;
  if (party.endpoint === undefined) return party.external !== undefined;
  return family === 4 || subnetOf(vpcs, party.endpoint)?.ipv6 !== undefined;
};

/** An address that a server announces counts when the subnet lets hosts announce it. */
const isAnnouncedRightly = ({ vpcs }: World, { party: { endpoint, addresses } }: End): boolean => {
  if (endpoint === undefined || addresses === undefined) return true;
  const subnet = subnetOf(vpcs, endpoint);
  const own = [subnet?.cidr, subnet?.ipv6?.cidr].flatMap((cidr) => prefixOf(cidr).map((prefix) => ({ prefix, from: 0, to: 128 })));
  const named = (subnet?.hostBGP?.prefixes ?? []).flatMap(({ cidr, minLength, maxLength }) =>
    prefixOf(cidr).map((prefix) => ({ prefix, from: minLength ?? 0, to: maxLength ?? 128 })),
  );
  const accepted = named.length > 0 ? named : own;
  return addresses.every((address) => {
    const single = hostPrefix(address);
    return accepted.some(({ prefix, from, to }) => contains(prefix, address) && prefixLength(single) >= from && prefixLength(single) <= to);
  });
};

/** Whether the places of two ends are joined at all, whatever is sent. */
const mayMeet = ({ vpcs, pairings }: World, from: End, to: End): boolean => {
  const [a, b] = [from.party.endpoint, to.party.endpoint];
  if (a !== undefined && b !== undefined && a.namespace === b.namespace && a.vpc === b.vpc) return meetInside(vpcs, a, b);
  return pairings.some((pairing) => pairing.joins(from, to) || pairing.joins(to, from));
};

const meetInside = (vpcs: ReadonlyMap<string, AcceptedVpc>, a: Endpoint, b: Endpoint): boolean => {
  const spec = vpcs.get(`${a.namespace}/${a.vpc}`)?.spec;
  const isOf = (flag: 'isolated' | 'restricted', byDefault: boolean | undefined, { subnet }: Endpoint): boolean =>
    spec?.subnets[subnet]?.[flag] ?? byDefault ?? false;
  if (a.subnet === b.subnet) return !isOf('restricted', spec?.defaultRestricted, a);
  const isolated = [a, b].some((each) => isOf('isolated', spec?.defaultIsolated, each));
  return !isolated || (spec?.permit ?? []).some((together) => together.includes(a.subnet) && together.includes(b.subnet));
};

const portsOf = (policies: readonly Policy[], proto: 'tcp' | 'udp'): number[] => {
  const ranges = policies.flatMap(({ spec: { ingress = [], egress = [] } }) =>
    [...ingress, ...egress].flatMap(({ ports = [] }) => ports.filter(({ protocol }) => protocol === undefined || protocol.toLowerCase() === proto)),
  );
  const edges = ranges.flatMap(({ port, endPort }) => (port === undefined ? [] : [port, (endPort ?? port) + 1]));
  return [...new Set(edges)].filter((port) => port > 0 && port < 65536).sort((left, right) => left - right);
};

/** VPCs whose subnets lie in their address space and overlap with none of an elder VPC there, by `namespace/name`. */
export const acceptedVpcs = (intent: Intent): Map<string, AcceptedVpc> => {
  const spaces = new Map(
    (intent.AddressSpace ?? []).map(({ metadata, spec }) => [metadata.name, (spec as AddressSpaceSpec).prefixes.flatMap(prefixOf)]),
  );
  const elders: { space: string; prefix: Prefix }[] = [];
  const accepted = new Map<string, AcceptedVpc>();
  for (const object of byAge(intent.VPC ?? [])) {
    const spec = object.spec as VpcSpec;
    const { addressSpace: space = 'default', subnets } = spec;
    const own = Object.values(subnets).flatMap(({ cidr, ipv6 }) => [...prefixOf(cidr), ...prefixOf(ipv6?.cidr)]);
    const inside = own.every((prefix) => spaces.get(space)?.some((outer) => contains(outer, prefix)) === true);
    const free = own.every((prefix) => !elders.some((elder) => elder.space === space && overlaps(elder.prefix, prefix)));
    if (inside && free) accepted.set(`${object.metadata.namespace ?? ''}/${object.metadata.name}`, { addressSpace: space, subnets, spec });
    elders.push(...own.map((prefix) => ({ space, prefix })));
  }
  return accepted;
};

export const prefixOf = (text: string | undefined): Prefix[] => {
  const prefix = parsePrefix(text ?? '');
  return prefix.ok ? [prefix.value] : [];
};

/** Oldest first: creation time has whole seconds, a UUID of version 7 (RFC 9562) begins with milliseconds. */
const byAge = (objects: readonly Resource[]): Resource[] => {
  const age = (object: Resource): string => {
    const { creationTimestamp = '', uid = '' } = object.metadata;
    return `${creationTimestamp} ${uid.charAt(14) === '7' ? uid : ''} ${refKey(refOf(object))}`;
  };
  return objects.map((object) => ({ object, age: age(object) })).sort((a, b) => byText(a.age, b.age)).map(({ object }) => object);
};

/** The server's end of a connection's first cable. */
const serverPort = (connection: ConnectionSpec | undefined, servers: ReadonlySet<string>) =>
  connection?.links[0]?.ends
    .flatMap((end) => {
      const ref = parsePortRef(end);
      return ref.ok ? [{ server: ref.value.device, port: ref.value.port }] : [];
    })
    .find(({ server }) => servers.has(server));
