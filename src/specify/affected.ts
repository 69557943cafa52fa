/**
 * What a change of an object reaches: other objects whose meaning depends on it, and the units in which behaviour is compared
 * with what is specified. Asked before and after a change, for what is no longer promised matters as much. Pure.
 */
import type { Specification, Subject } from './specification.ts';
import type { NetworkKey, Subnet } from './networks.ts';
import { networksOfPeering } from './joins.ts';
import { parsePortRef } from '../api/port.ts';

/**
 * A piece of behaviour that is compared by itself. Parts are separated by blanks, which no name has:
 *
 * | unit | what |
 * |---|---|
 * | `device X` | identity of a device in the underlay |
 * | `port X P` | a port of a device, and the session over it |
 * | `member X SCOPE` | whether a device holds a shared scope |
 * | `segment SCOPE VNI` | a subnet on the devices that hold a scope |
 * | `attach KEY` | an attachment |
 * | `place SCOPE PORT[.VLAN]` | what a row puts at a port |
 * | `host SCOPE VNI/ADDRESS` | a host behind a port |
 * | `vrf VNI` | the VRF of a VPC or External, and whether its scope is anybody's |
 * | `leak VNI VNI` | what passes from one network into another |
 * | `disjoint VNI` | whether a VPC shares addresses with another of its AddressSpace |
 * | `isolation VNI` | what passes between subnets of a VPC |
 * | `route VNI PREFIX` | a static route |
 * | `policy VNI` | filters of a VPC |
 * | `mapping VNI ADDRESS`, `slice KEY`, `mappings VNI` | a host behind a foreign VTEP, those of a slice, those of a VPC |
 * | `reserved VNI`, `lease VNI` | addresses that DHCP gives out: in a VPC, and in a subnet |
 * | `external KEY`, `door X PORT[.VLAN]`, `peer X ROWKEY` | where an External is met |
 * | `full X`, `load SCOPE` | how full the tables of a device are, or of all that hold a scope |
 */
export type Unit = string;

/** Objects that are to be looked at again when this one changes. */
export const dependants = ({ kind, key }: Subject, spec: Specification): readonly Subject[] => {
  const of = (other: Subject['kind'], keys: Iterable<string>): Subject[] => [...keys].map((each) => ({ kind: other, key: each }));
  switch (kind) {
    case 'Fabric':
      return [...of('Switch', spec.byFabric.of(key)), ...of('Gateway', spec.byFabric.of(key)), ...(key === 'default' ? [...of('VPC', keys(spec, 'VPC')), ...of('External', keys(spec, 'External'))] : [])];
    case 'SwitchProfile':
      return [...of('Switch', spec.byProfile.of(key)), ...of('Gateway', spec.byProfile.of(key))];
    case 'Switch': {
      const group = spec.objects.get('Switch', key)?.spec.group;
      const mates = group === undefined ? [] : [...spec.groups.of(group)];
      return of('Connection', new Set([key, ...mates].flatMap((device) => [...spec.connectionsByDevice.of(device)])));
    }
    case 'Gateway':
    case 'Server':
      return of('Connection', spec.connectionsByDevice.of(key));
    case 'AddressSpace':
      return [...of('VPC', spec.bySpace.of(`VPC ${key}`)), ...of('External', spec.bySpace.of(`External ${key}`))];
    case 'Connection': {
      const ends = (spec.objects.get('Connection', key)?.spec.links ?? []).flatMap(({ ends: both }) => both);
      const sharing = new Set(ends.flatMap((end) => [...spec.connectionsByDevice.of(end.split('/')[0] ?? '')].filter((other) => other !== key && isDraining(spec, other))));
      return [...of('VPCAttachment', spec.attachmentsByConnection.of(key)), ...of('External', spec.externalsByConnection.of(key)), ...of('Connection', sharing)];
    }
    case 'External':
      return of('Connection', spec.connectionsByDevice.of(key));
    default:
      return [];
  }
};

const keys = (spec: Specification, kind: 'VPC' | 'External'): string[] => [...spec.objects.all(kind)].map(({ key }) => key);

const isDraining = (spec: Specification, connection: string): boolean =>
  (spec.objects.get('Connection', connection)?.spec as { readonly leaving?: readonly unknown[] } | undefined)?.leaving !== undefined;

/** The units that an object has a say in, as things are. */
export const unitsOf = ({ kind, key }: Subject, spec: Specification): readonly Unit[] => {
  switch (kind) {
    case 'Switch':
    case 'Gateway':
      return [`device ${key}`, `full ${key}`];
    case 'Connection':
      return portUnits(key, spec);
    case 'VPC':
      return vpcUnits(key, spec);
    case 'External':
      return externalUnits(key, spec);
    case 'VPCAttachment': {
      const held = spec.objects.get('VPCAttachment', key);
      return held === undefined ? [] : labelUnits(`${held.namespace}/${held.spec.vpc}`, spec);
    }
    case 'SecurityPolicy': {
      const held = spec.objects.get('SecurityPolicy', key);
      const vpc = held && spec.vpc(`${held.namespace}/${held.spec.vpc}`);
      return vpc === undefined ? [] : [`policy ${vpc.vni}`];
    }
    default:
      return [];
  }
};

const portUnits = (key: string, spec: Specification): Unit[] => {
  const wiring = spec.wiring(key);
  if (wiring?.type === 'external') return [`port ${wiring.end.device} ${wiring.end.port}`];
  if (wiring?.type === 'fabric') return wiring.links.flatMap(({ ends }) => ends.map(({ device, port }) => `port ${device} ${port}`));
  if (wiring?.type === 'server') return wiring.legs.flatMap(({ device, ports }) => ports.map(({ port }) => `port ${device} ${port}`));
  // What is not in force may have been: its ports must be empty.
  return (spec.objects.get('Connection', key)?.spec.links ?? []).flatMap(({ ends }) => ends.flatMap((text) => {
    const ref = parsePortRef(text);
    return ref.ok ? [`port ${ref.value.device} ${ref.value.port}`] : [];
  }));
};

const vpcUnits = (key: string, spec: Specification): Unit[] => {
  const vpc = spec.vpc(key);
  if (vpc === undefined) return [];
  const { vni } = vpc;
  return [`vrf ${vni}`, `disjoint ${vni}`, `isolation ${vni}`, `reserved ${vni}`, ...policyUnits(key, spec), ...vpc.spec.staticRoutes.map(({ prefix }) => `route ${vni} ${prefix}`)];
};

/** A subnet wherever it is. */
export const subnetUnits = ({ key, vni }: Subnet, spec: Specification): Unit[] =>
  vni === undefined ? [] : [...[...spec.scopesOfSubnet(key)].map((scope) => `segment ${scope} ${vni}`), `lease ${vni}`];

/** Policies of a VPC, and those of others that speak of it. */
export const policyUnits = (key: string, spec: Specification): Unit[] => unitsOfPolicies(spec.policiesByVpc.of(key), spec);

/** Those that select servers of the VPC by their attachments. */
export const labelUnits = (key: string, spec: Specification): Unit[] => unitsOfPolicies(spec.policiesByLabels.of(key), spec);

const unitsOfPolicies = (policies: Iterable<string>, spec: Specification): Unit[] => {
  const vpcs = new Set([...policies].flatMap((policy) => {
    const held = spec.objects.get('SecurityPolicy', policy);
    return held === undefined ? [] : [`${held.namespace}/${held.spec.vpc}`];
  }));
  return [...vpcs].flatMap((each) => {
    const vni = spec.vpc(each)?.vni;
    return vni === undefined ? [] : [`policy ${vni}`];
  });
};

const externalUnits = (key: string, spec: Specification): Unit[] => {
  const external = spec.external(key);
  const fixed = external?.spec.static?.prefixes ?? [];
  const members = [...spec.bordersOf(key)].map((device) => `member ${device} vpc/${external?.vni}`);
  return [`external ${key}`, ...(external === undefined ? [] : [`vrf ${external.vni}`, ...members, ...fixed.map((prefix) => `route ${external.vni} ${prefix}`)])];
};

/** Both halves of what joins two networks, and who must hold both. @param vnis that the networks have or had */
export const joinUnits = (one: NetworkKey, other: NetworkKey, [left, right]: readonly [number | undefined, number | undefined], spec: Specification): Unit[] => {
  if (left === undefined || right === undefined) return [];
  const members = ([[one, right], [other, left]] as const).flatMap(([network, vni]) => [...spec.devicesOf(network)].map((device) => `member ${device} vpc/${vni}`));
  return [`leak ${left} ${right}`, `leak ${right} ${left}`, ...members];
};

/** Pairs of networks that may be joined otherwise when an object is another. */
export const pairsOf = ({ kind, key }: Subject, spec: Specification): readonly (readonly [NetworkKey, NetworkKey])[] => {
  const withPeers = (network: NetworkKey): (readonly [NetworkKey, NetworkKey])[] => [...spec.namedPeers(network)].map((peer) => [network, peer]);
  if (kind === 'VPC' || kind === 'External') return withPeers(`${kind}/${key}`);
  if (kind === 'VPCPeering') {
    const held = spec.objects.get('VPCPeering', key);
    return held === undefined ? [] : networksOfPeering(held);
  }
  if (kind === 'ExternalPeering') {
    const held = spec.objects.get('ExternalPeering', key);
    // Of several that lead one prefix to several Externals the eldest has it.
    return held === undefined ? [] : withPeers(`VPC/${held.namespace}/${held.spec.vpc}`).filter(([, peer]) => peer.startsWith('External/'));
  }
  const consent = kind === 'PeeringConsent' ? spec.objects.get('PeeringConsent', key) : undefined;
  return consent === undefined ? [] : withPeers(`VPC/${consent.namespace}/${consent.spec.vpc}`);
};
