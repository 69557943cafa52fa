/**
 * Which servers must reach which, worked out from what the tenants declared and from nothing else: no id, no route and no
 * status of Heddle has a part in it, so that it can bear witness against all of them. Pure.
 */
import { parsePortRef } from '../api/port.ts';
import { refKey, refOf, type Resource } from '../api/object.ts';
import type { AddressSpaceSpec } from '../api/kinds/addressspace.ts';
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { VpcSpec } from '../api/kinds/vpc.ts';
import type { VpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import type { VpcPeeringSpec } from '../api/kinds/vpcpeering.ts';
import { byText } from '../kit/order.ts';
import { parsePrefix, contains } from '../net/prefix.ts';
import type { Prefix } from '../net/brand.ts';

/** Kinds whose objects are intent. */
export const intentKinds = ['Server', 'Connection', 'AddressSpace', 'VPC', 'VPCAttachment', 'VPCPeering'] as const;
export type Intent = { readonly [Kind in (typeof intentKinds)[number]]: readonly Resource[] };

/** A server port that is in a subnet. */
export interface Endpoint {
  readonly server: string;
  readonly port: string;
  readonly namespace: string;
  readonly vpc: string;
  readonly subnet: string;
}

/** Every attachment that can take effect: its VPC, subnet and connection exist and no elder object holds its place. */
export const endpointsOf = (intent: Intent): Endpoint[] => {
  const servers = new Set(intent.Server.map((server) => server.metadata.name));
  const vpcs = acceptedVpcs(intent);
  const connections = new Map(intent.Connection.map((object) => [object.metadata.name, object.spec as ConnectionSpec]));
  const taken = new Set<string>();
  return byAge(intent.VPCAttachment).flatMap((object) => {
    const { vpc, subnet = 'default', connection } = object.spec as VpcAttachmentSpec;
    const namespace = object.metadata.namespace ?? '';
    const port = serverPort(connections.get(connection), servers);
    if (port === undefined || taken.has(connection)) return [];
    taken.add(connection);
    return vpcs.get(`${namespace}/${vpc}`)?.subnets[subnet] === undefined ? [] : [{ ...port, namespace, vpc, subnet }];
  });
};

/** Whether packets may go from one endpoint to another: inside a VPC always, between VPCs where one pairing names both. */
export const reachable = (intent: Intent): ((from: Endpoint, to: Endpoint) => boolean) => {
  const vpcs = acceptedVpcs(intent);
  const pairings = intent.VPCPeering.flatMap((object) => {
    const namespace = object.metadata.namespace ?? '';
    const { permit } = object.spec as VpcPeeringSpec;
    const spaces = new Set(permit.flat().map((side) => vpcs.get(`${namespace}/${side.vpc}`)?.addressSpace));
    // VPCs of two address spaces may overlap and therefore never meet; a VPC that is not there has no space.
    return spaces.size === 1 && !spaces.has(undefined) ? permit.map((sides) => ({ namespace, sides })) : [];
  });
  return (from, to) =>
    (from.namespace === to.namespace && from.vpc === to.vpc) ||
    pairings.some(
      ({ namespace, sides: [a, b] }) =>
        from.namespace === namespace &&
        to.namespace === namespace &&
        ((takesPart(a, from) && takesPart(b, to)) || (takesPart(b, from) && takesPart(a, to))),
    );
};

type Side = VpcPeeringSpec['permit'][number][number];

const takesPart = (side: Side | undefined, { vpc, subnet }: Endpoint): boolean =>
  side?.vpc === vpc && (side.subnets === undefined || side.subnets.length === 0 || side.subnets.includes(subnet));

interface AcceptedVpc {
  readonly addressSpace: string;
  readonly subnets: VpcSpec['subnets'];
}

/** VPCs whose subnets lie in their address space and overlap with none of an elder VPC there, by `namespace/name`. */
const acceptedVpcs = (intent: Intent): Map<string, AcceptedVpc> => {
  const spaces = new Map(intent.AddressSpace.map(({ metadata, spec }) => [metadata.name, prefixes((spec as AddressSpaceSpec).prefixes)]));
  const elders: { space: string; prefix: Prefix }[] = [];
  const accepted = new Map<string, AcceptedVpc>();
  for (const { metadata, spec } of byAge(intent.VPC)) {
    const { addressSpace: space = 'default', subnets } = spec as VpcSpec;
    const own = prefixes(Object.values(subnets).map(({ cidr }) => cidr));
    const inside = own.every((prefix) => spaces.get(space)?.some((outer) => contains(outer, prefix)) === true);
    const free = own.every((prefix) => !elders.some((elder) => elder.space === space && overlap(elder.prefix, prefix)));
    if (inside && free) accepted.set(`${metadata.namespace ?? ''}/${metadata.name}`, { addressSpace: space, subnets });
    elders.push(...own.map((prefix) => ({ space, prefix })));
  }
  return accepted;
};

const prefixes = (texts: readonly string[]): Prefix[] =>
  texts.flatMap((text) => {
    const prefix = parsePrefix(text);
    return prefix.ok ? [prefix.value] : [];
  });

const overlap = (a: Prefix, b: Prefix): boolean => contains(a, b) || contains(b, a);

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
