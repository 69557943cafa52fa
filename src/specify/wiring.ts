/**
 * What is cabled: switches with their ids, and Connections as what they are by their ends, with the ports of each end as rows
 * name them. Pure.
 */
import { leavingOf } from '../api/drain.ts';
import { parsePortRef } from '../api/port.ts';
import { portAt, withoutFirstLane, type Fec } from '../api/ports.ts';
import { checkSettings } from '../api/portsettings.ts';
import type { Address, Asn, Mac, Prefix } from '../net/brand.ts';
import { textMac, type Surroundings } from './networks.ts';
import type { Specs } from './objects.ts';
import { isError, isWithin } from './refusals.ts';

export type Role = 'spine' | 'leaf' | 'border' | 'gateway';

/** A Switch or a Gateway with its ids. */
export interface Device {
  readonly name: string;
  /** `refKey` of the object. */
  readonly object: string;
  readonly role: Role;
  readonly fabric: string;
  readonly profile: string;
  /** Redundancy group; gateways have none in which servers could be multihomed. */
  readonly group?: string;
  readonly asn: Asn;
  readonly routerId: Address;
  /** Not of spines. */
  readonly vtep?: Address;
  readonly drain: boolean;
}

export const deviceOf = (name: string, { objects, claims, refusals }: Surroundings): Device | undefined => {
  const kind = objects.get('Switch', name) === undefined ? 'Gateway' : 'Switch';
  const held = objects.get(kind, name);
  if (held === undefined) return undefined;
  const { fabric: fabricName, profile, drain } = held.spec;
  const fabric = objects.get('Fabric', fabricName)?.spec;
  if (fabric === undefined || refusals.of(kind, name).some((refusal) => !isWithin(refusal, 'spec.ports'))) return undefined;
  const own = objects.get('Switch', name)?.spec;
  const role: Role = own?.role ?? 'gateway';
  const claimed = (pool: string, pin: number | string | undefined): string | undefined =>
    claims.value(held.uid, pool, 'self', (value) => pin === undefined || value === `${pin}`);
  const asn = role === 'spine' ? `${held.spec.asn ?? fabric.asns.spine}` : claimed('asn', held.spec.asn);
  const routerId = claimed('routerid', held.spec.routerID);
  const vtep = role === 'spine' ? undefined : claimed('vtep', held.spec.vtep);
  if (asn === undefined || routerId === undefined || (vtep === undefined && role !== 'spine')) return undefined;
  return {
    name, object: `${kind}/${name}`, role, fabric: fabricName, profile, drain, asn: Number(asn) as Asn, routerId: routerId as Address,
    ...(own?.group !== undefined && { group: own.group }),
    ...(vtep !== undefined && { vtep: vtep as Address }),
  };
};

/** One end of a cable at a device. */
export interface PortEnd {
  readonly device: string;
  /** As rows name it. */
  readonly port: string;
  readonly interface: string;
  readonly speed?: string;
  readonly fec?: Fec;
  /** `<device>/<port>` at the other end: with the name that rows have, where the other end is a device of the fabric. */
  readonly peer: string;
}

export interface ServerWiring {
  readonly type: 'server';
  readonly server: string;
  /** Leaves with their ports, in the order in which cables name them. */
  readonly legs: readonly { readonly device: string; readonly ports: readonly PortEnd[] }[];
  readonly isBundled: boolean;
  /** Scope that holds what is attached: of the leaf, or of the group that several leaves are. */
  readonly scope: string;
  /** Devices that hold the scope: the leaf, or all that may of the group. */
  readonly holders: readonly string[];
  readonly isMultihomed: boolean;
  readonly fallback: boolean;
  readonly mtu: number;
  readonly mac?: Mac;
}

export interface FabricWiring {
  readonly type: 'fabric';
  readonly links: readonly FabricLink[];
}

export interface FabricLink {
  /** The end that is up comes first, and has the lower address. */
  readonly ends: readonly [PortEnd, PortEnd];
  readonly mtu: number;
  /** The /31 of a numbered link. */
  readonly prefix?: Prefix;
  readonly bfd?: { readonly intervalMilliseconds: number; readonly multiplier: number };
  readonly drained: boolean;
}

export interface ExternalWiring {
  readonly type: 'external';
  readonly end: PortEnd;
  readonly mtu: number;
}

export type Wiring = ServerWiring | FabricWiring | ExternalWiring;

type Kind = Role | 'server' | 'external';

interface End {
  readonly device: string;
  readonly port: string;
  readonly text: string;
  readonly kind: Kind;
}

export const kindOfDevice = (name: string, { objects }: Surroundings): Kind | undefined => {
  const found = (['Switch', 'Gateway', 'Server', 'External'] as const).filter((kind) => objects.get(kind, name) !== undefined);
  const [kind] = found;
  if (kind === undefined || found.length > 1) return undefined;
  if (kind === 'Switch') return objects.get('Switch', name)?.spec.role;
  return kind === 'Gateway' ? 'gateway' : kind === 'Server' ? 'server' : 'external';
};

/** What is above what. */
const rank: Record<Kind, number> = { external: 3, server: 3, gateway: 2, spine: 1, leaf: 0, border: 0 };

const endsOf = (link: readonly string[], around: Surroundings): readonly [End, End] | undefined => {
  const ends = link.flatMap((text): End[] => {
    const ref = parsePortRef(text);
    const kind = ref.ok ? kindOfDevice(ref.value.device, around) : undefined;
    return ref.ok && kind !== undefined ? [{ ...ref.value, text, kind }] : [];
  });
  const [one, other] = ends;
  if (one === undefined || other === undefined) return undefined;
  const order = rank[other.kind] - rank[one.kind] || (one.device <= other.device ? -1 : 1);
  return order <= 0 ? [one, other] : [other, one];
};

/** A Connection in force, as what its ends make it. */
export const wiringOf = (name: string, around: Surroundings): Wiring | undefined => {
  const { objects, refusals } = around;
  const held = objects.get('Connection', name);
  if (held === undefined || refusals.of('Connection', name).some(isError)) return undefined;
  const cables = held.spec.links.map(({ ends }) => endsOf(ends, around));
  const known = cables.filter((cable) => cable !== undefined);
  const [first] = known;
  if (first === undefined || known.length < cables.length) return undefined;
  if (first[0].kind === 'server') return serverWiring(held.uid, held.spec, known, around);
  if (first[0].kind === 'external') return externalWiring(held.spec, first, around);
  const leaving = leavingOf({ apiVersion: '', kind: 'Connection', metadata: { name }, spec: held.spec }).flatMap(({ ends }) => {
    // What is taken out yields to whatever else names its ports.
    const cable = ends.some((end) => around.ports.of(withoutFirstLane(end)).size > 0) ? undefined : endsOf(ends, around);
    return cable === undefined ? [] : [cable];
  });
  const links = [
    ...known.flatMap((cable) => fabricLink(held.uid, cable, held.draining === true, around)),
    ...leaving.flatMap((cable) => fabricLink(held.uid, cable, true, around)),
  ];
  return { type: 'fabric', links };
};

/** The port as its switch has it; undefined when there is none of the name, or its switch has no ids yet. */
const portEnd = ({ device, port }: End, peer: string, around: Surroundings): PortEnd | undefined => {
  const owner = around.device(device);
  const catalogue = owner && around.objects.get('SwitchProfile', owner.profile)?.spec;
  if (owner === undefined || catalogue === undefined) return undefined;
  const set = around.objects.get('Switch', device)?.spec.ports ?? {};
  const settings = Object.keys(set).length === 0 ? {} : checkSettings(owner.profile, catalogue, set).settings;
  const found = portAt(catalogue, settings, port);
  return 'reason' in found ? undefined : { device, ...found, peer };
};

const fabricLink = (uid: string, [upper, lower]: readonly [End, End], drained: boolean, around: Surroundings): FabricLink[] => {
  const [above, below] = [portEnd(upper, '', around), portEnd(lower, '', around)];
  const fabric = around.objects.get('Fabric', around.device(lower.device)?.fabric ?? '')?.spec.underlay;
  if (above === undefined || below === undefined || fabric === undefined) return [];
  const { links, mtu, bfd: { enabled, intervalMilliseconds, multiplier } } = fabric;
  const prefix = links === 'numbered' ? around.claims.value(uid, 'link', `${upper.text}--${lower.text}`) : undefined;
  if (links === 'numbered' && prefix === undefined) return [];
  return [{
    ends: [{ ...above, peer: `${below.device}/${below.port}` }, { ...below, peer: `${above.device}/${above.port}` }],
    mtu,
    drained,
    ...(prefix !== undefined && { prefix: prefix as Prefix }),
    ...(enabled && { bfd: { intervalMilliseconds, multiplier } }),
  }];
};

const externalWiring = (spec: Specs['Connection'], [outer, inner]: readonly [End, End], around: Surroundings): ExternalWiring | undefined => {
  const end = portEnd(inner, outer.text, around);
  return end && { type: 'external', end, mtu: spec.mtu ?? 1500 };
};

const serverWiring = (uid: string, spec: Specs['Connection'], cables: readonly (readonly [End, End])[], around: Surroundings): ServerWiring | undefined => {
  const server = cables[0]?.[0].device ?? '';
  const ends = cables.map(([upper, lower]) => portEnd(lower, upper.text, around));
  const found = ends.filter((end) => end !== undefined);
  const legs = [...Map.groupBy(found, ({ device }) => device)].map(([device, ports]) => ({ device, ports }));
  const [leg] = legs;
  const leaf = leg && around.device(leg.device);
  const fabric = leaf && around.objects.get('Fabric', leaf.fabric)?.spec;
  if (leaf === undefined || fabric === undefined || found.length < cables.length) return undefined;
  const isMultihomed = legs.length > 1;
  if (isMultihomed && (leaf.group === undefined || around.claims.value(uid, 'es', 'self') === undefined)) return undefined;
  const ports = around.objects.get('Server', server)?.spec.ports ?? {};
  const mac = cables.map(([upper]) => (Object.hasOwn(ports, upper.port) ? ports[upper.port]?.mac : undefined)).find((text) => text !== undefined);
  return {
    type: 'server', server, legs, isMultihomed,
    isBundled: cables.length > 1,
    scope: isMultihomed ? `group/${leaf.fabric}/${leaf.group}` : `device/${leaf.name}`,
    holders: isMultihomed ? groupOf(leaf, around) : [leaf.name],
    fallback: spec.fallback === true,
    mtu: spec.mtu ?? Math.min(9000, fabric.underlay.mtu - 50),
    ...(mac !== undefined && { mac: textMac(mac) }),
  };
};

/** What is multihomed is held by the whole group. */
const groupOf = ({ group, fabric }: Device, around: Surroundings): readonly string[] =>
  [...around.groups.of(group ?? '')]
    .filter((name) => {
      const device = around.device(name);
      // A group of another fabric may have the same name.
      return device !== undefined && device.fabric === fabric && device.role !== 'spine';
    })
    .sort();
