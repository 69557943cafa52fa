/**
 * The way of one packet and of its answer, step by step: what is done where, because of which row, and between devices over
 * which cables. Read from rows alone, and of those from the few that the packet can meet. Pure.
 */
import { deviceScope, rowId, type Row, type RowId } from '../goal/rows.ts';
import type { Address, Vni } from '../net/brand.ts';
import { evaluate } from './evaluate.ts';
import { permittedBy } from './filters.ts';
import { readNetwork, type Network } from './network.ts';
import type { Announcement, Delivery, Doing, DropReason, LearnedHost, Packet, Place, Verdict } from './packet.ts';
import { keyAt, localScopes, rowIn, surroundingsOf, type GoalReader, type Surroundings, type VrfAt } from './surroundings.ts';
import { Underlay, waysBetween, type IsDown, type Ways } from './underlay.ts';

export type StepDoing = Doing | 'permitted' | 'encapsulated' | 'delivered' | 'dropped';

export interface Step {
  readonly device: string;
  readonly doing: StepDoing;
  readonly text: string;
  readonly row?: RowId;
  /** That the row is in; of another device where it is learnt from there. */
  readonly scope?: string;
  readonly tunnel?: Tunnel;
}

/** How a packet goes from one device to others, of which one gets it. */
export interface Tunnel {
  readonly vni: Vni;
  /** VTEP that it is sent from. */
  readonly source?: Address;
  readonly to: readonly TunnelEnd[];
}

export interface TunnelEnd {
  /** Left out: a VTEP that Heddle does not manage. */
  readonly device?: string;
  readonly vtep?: Address;
  /** Left out: there is no way, or nobody knows it. */
  readonly ways?: Ways;
}

/** One way: from one port where the packet comes in. */
export interface Way {
  readonly at: Place;
  readonly packet: Packet;
  readonly outcome: 'delivered' | 'elsewhere' | 'dropped';
  readonly reason?: DropReason;
  readonly to?: Delivery;
  readonly steps: readonly Step[];
}

export type TraceResult = 'delivered' | 'oneway' | 'elsewhere' | 'dropped';

export interface Trace {
  readonly result: TraceResult;
  /** One for each port that the sender is behind. */
  readonly there: readonly Way[];
  /** One for each port that the packet came to. */
  readonly back: readonly Way[];
  readonly announcements: readonly Announcement[];
  /** What was read: all rows that the packet can meet but those of the underlay. */
  readonly scopes: ReadonlyMap<string, readonly Row[]>;
}

export interface Journey {
  /** Ports that the sender is behind. */
  readonly from: readonly Place[];
  /** Ports that it must come to; left out, whoever has the address. */
  readonly to?: readonly Place[];
  readonly vrfs: readonly VrfAt[];
  readonly packet: Packet;
  /** Hosts at the ends that no row names. */
  readonly learned?: readonly LearnedHost[];
}

export const trace = (goal: GoalReader, journey: Journey, isDown?: IsDown): Trace => {
  const { from, to, vrfs, packet } = journey;
  const { scopes, announcements } = surroundingsOf(goal, { places: [...from, ...(to ?? [])], vrfs, addresses: [packet.source, packet.destination] });
  return follow(goal, journey, { scopes, announcements }, isDown);
};

/**
 * The same packet where some rows are missing on some devices. A row that several devices share is missing for all of them
 * when it is for one: the answer errs on the side of loss.
 */
export const retrace = (goal: GoalReader, journey: Journey, { scopes, announcements }: Trace, isMissing: (device: string, row: RowId) => boolean): TraceResult => {
  const devicesOf = (scope: string): readonly string[] => (scope.startsWith(deviceScope('')) ? [scope.slice(deviceScope('').length)] : goal.devicesOf(scope));
  const left = [...scopes].map(([scope, rows]) => [scope, rows.filter((row) => !devicesOf(scope).some((device) => isMissing(device, rowId(row))))] as const);
  const isDown: IsDown = (device, port) => port !== undefined && (isMissing(device, `port/${port}`) || isMissing(device, `bgpPeer/${port}`));
  return follow(goal, journey, { scopes: new Map(left), announcements }, isDown).result;
};

const follow = (goal: GoalReader, { from, to, packet, learned: hosts = [] }: Journey, { scopes, announcements }: Surroundings, isDown?: IsDown): Trace => {
  const walker = new Walker(goal, scopes, readNetwork(scopes, { hosts, announcements }), new Underlay(goal, isDown));
  const there = from.map((place) => walker.walk(place, packet, to));
  const answer: Packet = { ...packet, source: packet.destination, destination: packet.source, isAnswer: true };
  const arrived = there.flatMap(({ outcome, to: delivery }) => (outcome === 'delivered' && delivery !== undefined ? placesOf(delivery) : []));
  const back = distinct(arrived).map((place) => walker.walk(place, answer, from));
  return { result: resultOf(there, back), there, back, announcements, scopes };
};

/** Of a sender behind several ports all must get through: which of them a flow takes is the sender's choice. */
const resultOf = (there: readonly Way[], back: readonly Way[]): TraceResult => {
  const worst = there.find(({ outcome }) => outcome === 'dropped') ?? there.find(({ outcome }) => outcome === 'elsewhere');
  if (worst !== undefined || there.length === 0) return worst?.outcome === 'elsewhere' ? 'elsewhere' : 'dropped';
  return back.every(({ outcome }) => outcome === 'delivered') ? 'delivered' : 'oneway';
};

/** Where an answer comes in; nowhere when gateways and foreign VTEPs answer themselves. */
export const placesOf = (to: Delivery): readonly Place[] => {
  if (to.what === 'host') return to.places;
  return to.what === 'external' ? [to.place] : [];
};

const textOf = ({ device, port, vlan }: Place): string => `${device}/${port}${vlan === undefined ? '' : `.${vlan}`}`;

const distinct = (places: readonly Place[]): Place[] => [...new Map(places.map((place) => [textOf(place), place])).values()];

class Walker {
  readonly #goal: GoalReader;
  readonly #scopes: Surroundings['scopes'];
  readonly #network: Network;
  readonly #underlay: Underlay;

  constructor(goal: GoalReader, scopes: Surroundings['scopes'], network: Network, underlay: Underlay) {
    this.#goal = goal;
    this.#scopes = scopes;
    this.#network = network;
    this.#underlay = underlay;
  }

  walk(at: Place, packet: Packet, wanted: readonly Place[] | undefined): Way {
    const verdict = evaluate(this.#network, at, packet);
    const steps = this.#steps(at, packet, verdict);
    if (verdict.type === 'dropped') return { at, packet, outcome: 'dropped', reason: verdict.reason, steps };
    // Rows of the overlay do not say whether anything leads from one VTEP to another.
    if (steps.at(-1)?.doing === 'dropped') return { at, packet, outcome: 'dropped', reason: 'NoVTEP', steps };
    const isElsewhere = wanted !== undefined && !this.#isAt(verdict.to, wanted);
    return { at, packet, outcome: isElsewhere ? 'elsewhere' : 'delivered', to: verdict.to, steps };
  }

  /** VPCs may hold the same addresses: what counts is the port. Gateways and foreign VTEPs are at none. */
  #isAt(to: Delivery, wanted: readonly Place[]): boolean {
    const places = placesOf(to);
    const keys = new Set(wanted.map((place) => `${place.device} ${keyAt(this.#goal, place)}`));
    return places.length === 0 ? keys.size === 0 : places.some((place) => keys.has(`${place.device} ${keyAt(this.#goal, place)}`));
  }

  #steps(at: Place, packet: Packet, verdict: Verdict): Step[] {
    const steps: Step[] = [];
    let device = at.device;
    let vrf = this.#vrfName(at);
    const permitted = (direction: 'ingress' | 'egress', where: string): void => {
      const held = vrf === undefined ? undefined : this.#network.vrfs.get(vrf);
      const row = held === undefined ? undefined : permittedBy(held, direction, packet);
      if (row !== undefined) steps.push(this.#there({ device: where, doing: 'permitted', text: `permitted by a policy (${direction})`, row }, where));
    };
    for (const { device: where, doing = 'routed', action, row } of verdict.hops) {
      const step = { device: where, doing, text: action, ...(row !== undefined && { row }) };
      const isLast = doing === 'arrives' || doing === 'leaves';
      if (isLast) {
        const tunnel = this.#tunnel(device, where, vrf, action, verdict);
        if (tunnel !== undefined) steps.push({ device, doing: 'encapsulated', text: tunnelText(tunnel), tunnel });
        if (tunnel !== undefined && isCut(tunnel)) return [...steps, { device, doing: 'dropped', text: 'dropped: the underlay has no way to the other end' }];
        device = tunnel?.to[0]?.device ?? where;
        if (doing === 'arrives') permitted('ingress', device);
        steps.push(this.#there(step, device));
      } else steps.push(this.#there(step, where));
      if (doing === 'enters' && row?.startsWith('attachment/') === true) permitted('egress', where);
      if (doing === 'leaked') vrf = row?.slice(row.lastIndexOf('/') + 1);
    }
    steps.push(this.#end(verdict, device));
    return steps;
  }

  /** A row that no device has, such as that of a host which was learnt, is none. */
  #there(step: Step, device: string): Step {
    const { row, ...rest } = step;
    const scope = row === undefined ? undefined : this.#scopeOf(device, row);
    return scope === undefined ? { ...rest, device } : { ...step, device, scope };
  }

  /** Of the device if it has the row. What it routes by may be known to others alone, who tell it. */
  #scopeOf(device: string, row: RowId): string | undefined {
    const own = this.#goal.subscriptions(device).find((scope) => this.#goal.scope(scope).rows.has(row));
    return own ?? [...this.#scopes].find(([, rows]) => rows.some((each) => rowId(each) === row))?.[0];
  }

  #vrfName(place: Place): string | undefined {
    const key = keyAt(this.#goal, place);
    for (const scope of localScopes(this.#goal, place.device)) {
      const routed = rowIn(this.#goal, scope, 'vrfPort', key)?.value.vrf;
      const segment = rowIn(this.#goal, scope, 'attachment', key)?.value.segment;
      const name = routed ?? (segment === undefined ? undefined : this.#network.segments.get(segment)?.row.vrf);
      if (name !== undefined) return name;
    }
    return undefined;
  }

  /** Undefined when it stays on the device. */
  #tunnel(from: string, to: string, vrf: string | undefined, action: string, verdict: Verdict): Tunnel | undefined {
    if (verdict.type === 'dropped') return to === from ? undefined : this.#tunnelTo(from, [to], vrf === undefined ? undefined : this.#network.vrfs.get(vrf)?.row.vni);
    const l3vni = vrf === undefined ? undefined : this.#network.vrfs.get(vrf)?.row.vni;
    const delivery = verdict.to;
    if (delivery.what === 'mapped') {
      const vni = [...this.#mapping(delivery.segment, action)][0] ?? delivery.segment;
      const source = this.#vtep(from);
      return { vni, ...(source !== undefined && { source }), to: [{ vtep: delivery.vtep }] };
    }
    const devices = [...new Set(placesOf(delivery).map(({ device }) => device))];
    // What is behind this device too is not sent to another.
    if (devices.includes(from) || devices.length === 0) return undefined;
    const isBridged = delivery.what === 'host' && action.startsWith('bridged');
    return this.#tunnelTo(from, devices, isBridged ? delivery.segment : l3vni);
  }

  *#mapping(segment: Vni, action: string): Generator<Vni> {
    const mappings = this.#network.segments.get(segment)?.mappings.values() ?? [];
    for (const { vni, address } of mappings) if (vni !== undefined && action.includes(` ${address} `)) yield vni;
  }

  #tunnelTo(from: string, devices: readonly string[], vni: Vni | undefined): Tunnel | undefined {
    if (vni === undefined) return undefined;
    const source = this.#vtep(from);
    const to = devices.map((device): TunnelEnd => {
      const vtep = this.#vtep(device);
      const ways = waysBetween(this.#underlay, from, device);
      return { device, ...(vtep !== undefined && { vtep }), ...(ways !== undefined && { ways }) };
    });
    return { vni, ...(source !== undefined && { source }), to };
  }

  #vtep(device: string): Address | undefined {
    return rowIn(this.#goal, deviceScope(device), 'vtep', 'self')?.value.address;
  }

  #end(verdict: Verdict, device: string): Step {
    if (verdict.type === 'delivered') return { device, doing: 'delivered', text: deliveryText(verdict.to, device) };
    return this.#there({ device: verdict.at, doing: 'dropped', text: dropTexts[verdict.reason], ...(verdict.row !== undefined && { row: verdict.row }) }, verdict.at);
  }
}

/** None of its ends can be reached. */
const isCut = ({ to }: Tunnel): boolean => to.every(({ device, ways }) => device !== undefined && ways === undefined);

const tunnelText = ({ vni, to }: Tunnel): string => {
  const ends = to.map(({ device, vtep }) => `VTEP ${vtep ?? '?'}${device === undefined ? '' : ` (${device})`}`).join(' or ');
  const counts = new Set(to.flatMap(({ ways }) => (ways === undefined ? [] : [ways.count])));
  const [count] = counts;
  const unreached = to.filter(({ device, ways }) => device !== undefined && ways === undefined).map(({ device }) => device);
  const ways = counts.size !== 1 || count === undefined ? '' : `, ${count} equal ${count === 1 ? 'way' : 'ways'} of the underlay`;
  return `encapsulated in VXLAN ${vni} to ${ends}${ways}${unreached.length === 0 ? '' : `; the underlay has no way to ${unreached.join(', ')}`}`;
};

const deliveryText = (to: Delivery, device: string): string => {
  switch (to.what) {
    case 'host': {
      const places = to.places.filter((place) => place.device === device);
      return `delivered at ${(places.length > 0 ? places : to.places).map(textOf).join(', ')}`;
    }
    case 'gateway':
      return 'delivered to the gateway, which answers itself';
    case 'mapped':
      return `delivered to the foreign VTEP ${to.vtep}; what is behind it nobody here knows`;
    case 'external':
      return `delivered to ${to.nextHop} outside at ${textOf(to.place)}`;
  }
};

const dropTexts: { readonly [Reason in DropReason]: string } = {
  NotAttached: 'dropped: the port is in no subnet',
  Spoofed: 'dropped: nobody may send under this address here',
  Restricted: 'dropped: hosts of a restricted subnet reach nobody inside it but the gateway',
  Isolated: 'dropped: the two subnets are kept apart',
  NoPairing: 'dropped: the peering permits the destination, but not to this source',
  PolicyIngress: 'dropped: a policy of the destination permits no such packet',
  PolicyEgress: 'dropped: a policy of the source permits no such packet',
  InboundACL: 'dropped: the ACL of the External does not let it in',
  NoRoute: 'dropped: no route',
  NoHost: 'dropped: nobody is known to have this address',
  NoVRF: 'dropped: the device does not hold the VPC',
  NoVTEP: 'dropped: the device of the destination cannot be reached over the overlay',
  Loop: 'dropped: it goes in circles',
};
