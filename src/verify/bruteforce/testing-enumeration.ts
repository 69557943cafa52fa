/**
 * The verdict by brute force: every party sends to every address of every other, by every protocol and port that is worth it,
 * and every port that nobody attached sends too. Where packets go is compared with an oracle made from intent alone. Slow, and
 * simple enough to be believed.
 */
import type { Row } from '../../goal/rows.ts';
import type { Address, Vlan } from '../../net/brand.ts';
import { planOf, type Planned } from '../../lab/checkplan.ts';
import { oracleOf, type Oracle, type Party } from '../../lab/oracle.ts';
import { portsOf } from '../../scenarios/matrix.ts';
import { follow, type Scene } from '../../scenarios/purestage.ts';
import { evaluate } from '../evaluate.ts';
import { placeKey, readNetwork, type Network } from '../network.ts';
import { formatVerdict, type Delivery, type Packet, type Place, type Verdict } from '../packet.ts';

/** A packet that does not go where intent says. */
export interface Disagreement {
  readonly place: Place | undefined;
  readonly packet: Packet;
  readonly expected: string;
  readonly actual: string;
}

/** @param scene objects, and what was known when the rows were right */
export const disagreements = (scene: Scene, scopes: Iterable<readonly [string, readonly Row[]]>): Disagreement[] => {
  const spoilt: Scene = { ...scene, network: readNetwork(scopes, scene.learned) };
  const servers = (scene.intent.Server ?? []).map(({ metadata }) => metadata.name);
  const plan = planOf(scene.intent, servers, scene.addresses, { ports: portsOf(undefined) });
  const oracle = oracleOf(scene.intent);
  const parties = new Parties(scene, oracle.parties(servers));
  return [...plan.flatMap((each) => planned(spoilt, oracle, parties, each)), ...strangers(spoilt.network, parties, plan)];
};

const planned = (scene: Scene, oracle: Oracle, parties: Parties, each: Planned): Disagreement[] => {
  const { actual, verdicts } = follow(scene, each);
  const { pair: { expected }, probe, from } = each;
  if (probe?.source === undefined) return [];
  const packet = packetOf(each, probe.source as Address);
  const [place] = scene.placesOf(from);
  const wrong = (said: string): Disagreement => ({ place, packet, expected, actual: said });
  if (actual !== expected) return [wrong(`${actual}: ${verdicts.map(formatVerdict).join(' | ')}`)];
  const [there] = verdicts;
  if (there?.type !== 'delivered' || expected !== 'deny') return [];
  // What comes from outside and goes back there concerns nobody.
  if (from.external !== undefined && there.to.what === 'external' && parties.at(scene.network, there.to).every(({ external }) => external === from.external)) return [];
  // Not to whom it was meant for. VPCs may have equal addresses, so it may be right all the same.
  const { service } = probe;
  const reached = parties.at(scene.network, there.to);
  const isRight = reached.length > 0 && reached.every((party) =>
    oracle.judge({ party: from, address: packet.source }, { party, address: packet.destination }, service) !== 'deny' && parties.has(party, packet.destination));
  return isRight || there.to.what === 'gateway' || there.to.what === 'mapped' ? [] : [wrong(`delivered to another: ${formatVerdict(there)}`)];
};

const packetOf = ({ probe }: Planned, source: Address): Packet => {
  const { proto: protocol, port } = probe?.service ?? { proto: 'icmp' };
  return { source, destination: (probe?.address ?? '') as Address, protocol, ...(port !== undefined && { port }) };
};

/** What comes in where nobody is attached goes nowhere. */
const strangers = (network: Network, parties: Parties, plan: readonly Planned[]): Disagreement[] => {
  const packets = new Map<string, Packet>();
  for (const each of plan) {
    if (each.probe?.source === undefined || each.probe.service.proto !== 'icmp') continue;
    const packet = packetOf(each, each.probe.source as Address);
    packets.set(`${packet.source} ${packet.destination}`, packet);
  }
  return unattachedPlaces(network, parties).flatMap((place) =>
    [...packets.values()].flatMap((packet): Disagreement[] => {
      const verdict: Verdict = evaluate(network, place, packet);
      return verdict.type === 'dropped' ? [] : [{ place, packet, expected: 'deny', actual: formatVerdict(verdict) }];
    }),
  );
};

const unattachedPlaces = (network: Network, parties: Parties): Place[] =>
  [...network.devices.values()].flatMap((device) =>
    [...device.attachments.values()].flatMap(({ port, vlan }): Place[] => {
      const place = { device: device.name, port, ...(vlan !== undefined && { vlan }) };
      return parties.isKnown(network, place) ? [] : [place];
    }),
  );

/** Who is at which port by intent. */
class Parties {
  readonly #scene: Scene;
  readonly #places: { readonly party: Party; readonly place: Place }[];

  constructor(scene: Scene, parties: readonly Party[]) {
    this.#scene = scene;
    this.#places = parties.flatMap((party) => scene.placesOf(party).map((place) => ({ party, place })));
  }

  at(network: Network, to: Delivery): Party[] {
    const reached = to.what === 'host' ? to.places : to.what === 'external' ? [to.place] : [];
    return [...new Set(reached.flatMap((place) => this.#places.filter((each) => keyOf(network, each.place) === keyOf(network, place)).map(({ party }) => party)))];
  }

  isKnown(network: Network, place: Place): boolean {
    return this.#places.some((each) => keyOf(network, each.place) === keyOf(network, place));
  }

  /** Whether the address is that of the party. */
  has({ endpoint, external, addresses }: Party, address: Address): boolean {
    if (external !== undefined || addresses !== undefined) return addresses?.includes(address) === true;
    const interfaces = this.#scene.addresses.get(endpoint?.server ?? '');
    return endpoint !== undefined && (interfaces?.get(placeKey(endpoint.port, endpoint.vlan as Vlan | undefined)) ?? []).includes(address);
  }
}

const keyOf = ({ devices }: Network, { device, port, vlan }: Place): string => `${device} ${placeKey(devices.get(device)?.bundles.get(port) ?? port, vlan)}`;
