/**
 * The pure level of a scenario: the compiler makes rows, and packets over these rows must go where intent says. After every
 * step all ordered pairs of parties are followed; nothing runs but functions.
 */
import assert from 'node:assert/strict';
import { parsePortRef } from '../api/port.ts';
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { ExternalSpec } from '../api/kinds/external.ts';
import { planOf, type Addresses, type CheckedPair, type Planned } from '../lab/checkplan.ts';
import { acceptedVpcs, endpointsOf, intentKinds, prefixOf, type Announced, type Endpoint, type Intent, type Party } from '../lab/oracle.ts';
import { annotated, externalsOf, labAnnotations } from '../lab/oracleoutside.ts';
import { getOrMake } from '../kit/maps.ts';
import { hostPrefix } from '../net/address.ts';
import { firstHost, hostAt, prefixSize } from '../net/prefix.ts';
import type { Address, Prefix, Vlan } from '../net/brand.ts';
import { roundTrip } from '../verify/evaluate.ts';
import { placeKey, readNetwork, type Learned, type Network } from '../verify/network.ts';
import { formatVerdict, type Announcement, type Delivery, type LearnedHost, type Place, type Verdict } from '../verify/packet.ts';
import type { CompileStage } from './compilestage.ts';
import { describePairs, portsOf, surprises, type Reach } from './matrix.ts';
import type { Expectation } from './scenario.ts';
import { withoutPackets, type Stage } from './stage.ts';

export const pureStage = (compiler: CompileStage): Stage => {
  const announced = new Map<string, readonly Prefix[]>();
  const holds = (reach?: Reach): void => assertReach(compiler, announced, reach);
  return {
    ...withoutPackets,
    apply: async (objects) => {
      compiler.apply(objects);
      holds();
    },
    delete: async (ref) => {
      compiler.delete([ref]);
      holds();
    },
    refuse: async (object, paths) => {
      const before = compiler.goalText();
      assert.deepEqual(compiler.check(object).map(({ path }) => path).sort(), [...paths].sort());
      assert.equal(compiler.goalText(), before);
    },
    expect: async (expectation) => expectAccepted(compiler, expectation),
    allow: async () => {},
    reach: async (reach) => holds(reach),
    announce: async (server, prefixes) => {
      announced.set(server, prefixes.flatMap(prefixOf));
      holds();
    },
  };
};

/** Only what the compiler can know: whether an object is accepted, and why not. */
const expectAccepted = (stage: CompileStage, { ref, condition, wanted, says = '' }: Expectation): void => {
  const errors = stage.findings(ref).filter(({ severity }) => severity === 'error');
  if (condition !== 'Accepted') assert.equal(wanted === 'NotAccepted', errors.length > 0, JSON.stringify(errors));
  else if (wanted === 'Accepted' || wanted === 'True') assert.deepEqual(errors, []);
  else {
    assert.equal(errors[0]?.code, wanted);
    assert.ok(errors[0].message.includes(says), errors[0].message);
  }
};

const assertReach = (compiler: CompileStage, announced: Announced, reach: Reach | undefined): void => {
  const checked = checkRows(compiler, announced, portsOf(reach));
  const surprising = reach === undefined ? [] : surprises(reach, checked.map(({ pair }) => pair));
  assert.ok(surprising.length === 0, describePairs('pairs differ from the story', surprising));
  assert.deepEqual(differing(checked), [], 'pairs that differ from intent');
};

interface CheckedRows {
  readonly pair: CheckedPair;
  /** The ways of the packet and its answer. */
  readonly verdicts: readonly Verdict[];
}

/** Follows packets between all ordered pairs over the rows as they are. */
export const checkRows = (compiler: CompileStage, announced: Announced = new Map(), ports: ReturnType<typeof portsOf> = portsOf(undefined)): CheckedRows[] => {
  const scene = sceneOf(compiler, announced);
  const servers = (scene.intent.Server ?? []).map(({ metadata }) => metadata.name);
  return planOf(scene.intent, servers, scene.addresses, { announced, ports }).map((each) => {
    const { actual, verdicts } = follow(scene, each);
    return { pair: { ...each.pair, actual }, verdicts };
  });
};

/** Some of what differs from intent, with the ways of the packets. */
export const differing = (checked: readonly CheckedRows[]): unknown[] =>
  checked
    .filter(({ pair: { expected, actual } }) => expected !== actual)
    .slice(0, 8)
    .map(({ pair, verdicts }) => ({ ...pair, way: verdicts.map(formatVerdict) }));

/** Objects and the rows that were made of them. */
export type Compiled = Pick<CompileStage, 'objects' | 'scopes'>;

export interface Scene {
  readonly intent: Intent;
  /** What devices know by themselves. */
  readonly learned: Learned;
  readonly network: Network;
  /** By server and interface, as `addressesOf` of the lab has them. */
  readonly addresses: Addresses;
  readonly placesOf: (party: Party) => readonly Place[];
}

export const sceneOf = (compiler: Compiled, announced: Announced): Scene => {
  const intent: Intent = Object.fromEntries(intentKinds.map((kind) => [kind, compiler.objects(kind)]));
  const endpoints = endpointsOf(intent);
  const places = placesOfIntent(intent);
  const declared = readNetwork(compiler.scopes());
  const { addresses, learned: hosts } = addressesOfEndpoints(intent, endpoints, places, declared);
  const announcements = [...outsideAnnouncements(intent), ...hostAnnouncements(endpoints, places, addresses, announced)];
  const learned = { hosts, announcements };
  return { intent, learned, addresses, placesOf: places, network: readNetwork(compiler.scopes(), learned) };
};

/** The ends of cables at switches: of an attachment, or of an External. */
const placesOfIntent = (intent: Intent): ((party: Party) => readonly Place[]) => {
  const connections = new Map((intent.Connection ?? []).map(({ metadata, spec }) => [metadata.name, spec as ConnectionSpec]));
  const at = (connection: string, outer: string, vlan: number | undefined): Place[] =>
    (connections.get(connection)?.links ?? []).flatMap(({ ends }) =>
      ends.flatMap((text): Place[] => {
        const ref = parsePortRef(text);
        if (!ref.ok || ref.value.device === outer) return [];
        return [{ ...ref.value, ...(vlan !== undefined && { vlan: vlan as Vlan }) }];
      }),
    );
  const externals = new Map(externalsOf(intent).map((each) => [each.name, each]));
  return ({ endpoint, external }) => {
    if (endpoint !== undefined) return at(endpoint.connection, endpoint.server, endpoint.vlan);
    const attachments = externals.get(external ?? '')?.spec.attachments ?? [];
    return attachments.flatMap(({ connection, vlan }) => at(connection, deviceOutside(connections.get(connection)), vlan));
  };
};

/** Several Externals may use one Connection; its outer end carries the name of one of them, and is the end without a slot. */
const deviceOutside = (connection: ConnectionSpec | undefined): string => {
  const devices = (connection?.links[0]?.ends ?? []).flatMap((text) => {
    const ref = parsePortRef(text);
    return ref.ok ? [ref.value] : [];
  });
  return devices.find(({ port }) => !/^E\d/.test(port))?.device ?? '';
};

/** What rows say of hosts; one that no row knows gets an address of its subnet, which devices then learn. */
const addressesOfEndpoints = (intent: Intent, endpoints: readonly Endpoint[], places: (party: Party) => readonly Place[], declared: Network) => {
  const vpcs = acceptedVpcs(intent);
  const known = new Map<string, Address[]>();
  for (const { hosts } of declared.segments.values()) {
    for (const { address, places: behind } of hosts.values()) {
      for (const { device, port, vlan } of behind) getOrMake(known, `${device} ${placeKey(port, vlan)}`, () => []).push(address);
    }
  }
  const addresses = new Map<string, Map<string, readonly string[]>>();
  const learned: LearnedHost[] = [];
  for (const [index, endpoint] of endpoints.entries()) {
    const own = places({ label: '', endpoint });
    const keys = own.map((place) => keyOf(declared, place));
    const found = new Set(keys.flatMap((key) => known.get(key) ?? []));
    const subnet = vpcs.get(`${endpoint.namespace}/${endpoint.vpc}`)?.subnets[endpoint.subnet];
    for (const prefix of [...prefixOf(subnet?.cidr), ...prefixOf(subnet?.ipv6?.cidr)]) {
      if ([...found].some((address) => address.includes(':') === prefix.includes(':'))) continue;
      const address = freeAddress(prefix, index);
      found.add(address);
      learned.push(...own.map((place) => ({ ...place, address })));
    }
    const name = placeKey(endpoint.port, endpoint.vlan as Vlan | undefined);
    getOrMake(addresses, endpoint.server, () => new Map<string, readonly string[]>()).set(name, [...found]);
  }
  return { addresses, learned };
};

/** Near the end of the prefix, where nothing is allocated. */
const freeAddress = (prefix: Prefix, index: number): Address => hostAt(prefix, prefixSize(prefix) - 3n - BigInt(index)) ?? firstHost(prefix);

const outsideAnnouncements = (intent: Intent): Announcement[] =>
  (intent.External ?? []).flatMap((object) => {
    const { attachments = [] } = object.spec as ExternalSpec;
    const words = annotated(object, labAnnotations.announces);
    const addresses = externalsOf(intent).find(({ name }) => name === object.metadata.name)?.addresses ?? [];
    const prefixes = words.length > 0 ? words.flatMap(prefixOf) : addresses.map(hostPrefix);
    const communities = annotated(object, labAnnotations.communities);
    const connections = new Map((intent.Connection ?? []).map(({ metadata, spec }) => [metadata.name, spec as ConnectionSpec]));
    return attachments.flatMap(({ connection, vlan, neighbor }) => {
      const spec = connections.get(connection);
      if (neighbor === undefined || spec === undefined) return [];
      const outer = deviceOutside(spec);
      const inner = spec.links[0]?.ends.map(parsePortRef).find((ref) => ref.ok && ref.value.device !== outer);
      if (inner?.ok !== true) return [];
      const at = { ...inner.value, ...(vlan !== undefined && { vlan: vlan as Vlan }) };
      return [{ neighbor: neighbor.address as Address, at, prefixes, communities }];
    });
  });

const hostAnnouncements = (
  endpoints: readonly Endpoint[],
  places: (party: Party) => readonly Place[],
  addresses: Addresses,
  announced: Announced,
): Announcement[] =>
  endpoints.flatMap((endpoint) => {
    const own = addresses.get(endpoint.server)?.get(placeKey(endpoint.port, endpoint.vlan as Vlan | undefined)) ?? [];
    const prefixes = announced.get(endpoint.server) ?? [];
    return places({ label: '', endpoint }).flatMap((at) =>
      own.map((neighbor) => ({ neighbor: neighbor as Address, at, prefixes: prefixes.filter((each) => each.includes(':') === neighbor.includes(':')) })),
    );
  });

/** What becomes of a planned probe. Of a multihomed server every leg must say the same. */
export const follow = ({ network, placesOf }: Scene, { from, to, probe }: Planned): { readonly actual: CheckedPair['actual']; readonly verdicts: readonly Verdict[] } => {
  if (probe?.source === undefined) return { actual: 'deny', verdicts: [] };
  const { service: { proto, port } } = probe;
  const packet = { source: probe.source as Address, destination: probe.address as Address, protocol: proto, ...(port !== undefined && { port }) };
  const targets = new Set(placesOf(to).map((place) => keyOf(network, place)));
  const trips = placesOf(from).map((place) => roundTrip(network, place, packet));
  const results = trips.map(({ result, verdicts: [there] }) =>
    there?.type === 'delivered' && !placesBehind(there.to).some((place) => targets.has(keyOf(network, place))) ? ('deny' as const) : result,
  );
  const [actual = 'deny'] = results;
  return { actual: results.every((each) => each === actual) ? actual : 'oneway', verdicts: trips.flatMap(({ verdicts }) => verdicts) };
};

/** VPCs may hold the same addresses: delivered is only what came to the very port. */
const placesBehind = (to: Delivery): readonly Place[] => {
  if (to.what === 'host') return to.places;
  return to.what === 'external' ? [to.place] : [];
};

const keyOf = ({ devices }: Network, { device, port, vlan }: Place): string => `${device} ${placeKey(devices.get(device)?.bundles.get(port) ?? port, vlan)}`;
