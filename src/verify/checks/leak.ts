/** What passes from one network into another: the leak in rows against what peerings permit, compared as sets of packets. Pure. */
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Prefix, Vni } from '../../net/brand.ts';
import { familyOf } from '../../net/address.ts';
import type { Pairing } from '../../specify/joins.ts';
import type { External, Vpc } from '../../specify/networks.ts';
import { isIn, representatives, setText } from '../atoms.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import { addressesIn } from './ports.ts';
import { vrfNameOf } from './vrf.ts';
import type { Of } from '../state.ts';

interface Rectangle {
  readonly local: readonly Prefix[];
  readonly remote: readonly Prefix[];
}

/** The half that is kept with `vni`. */
export const checkLeak = (vni: number, peer: number, scene: Scene): readonly Fault[] => {
  const { state, spec } = scene;
  const scope = vpcScope(vni as Vni);
  const [own, other] = [spec.networkOfVni(vni), spec.networkOfVni(peer)];
  const permitted = own === undefined || other === undefined ? [] : spec.pairings(own.network, other.network);
  const found = leakRow(scope, vni, peer, scene);
  if (found === undefined && permitted.length === 0) return [];
  const names = [vrfNameOf(vni, state) ?? `vrf${vni}`, vrfNameOf(peer, state) ?? `vrf${peer}`] as const;
  const rows = [ref(scope, 'leak', found?.key ?? names.join('/'))];
  const objects = [...new Set([...permitted.map(({ by }) => by), ...[own, other].flatMap((each) => each?.network ?? [])])];
  if (objects.length === 0) return [];
  const from = `"${own?.network ?? scope}"`;
  const to = `"${other?.network ?? `vpc/${peer}`}"`;
  const identity = found === undefined ? [] : identityFaults(found, vni, peer, names, rows, objects, `the leak from ${from} to ${to}`);
  return [...identity, ...compare(found?.value.pairings ?? [], permitted, { from, to, rows, objects, own, other }, spec)];
};

const leakRow = (scope: string, vni: number, peer: number, { state }: Scene): Of<'leak'> | undefined => {
  const direct = state.row(scope, 'leak', `${vrfNameOf(vni, state)}/${vrfNameOf(peer, state)}`);
  if (direct?.value.peerVni === peer) return direct;
  for (const row of state.rows(scope, 'leak')) if (row.value.peerVni === peer) return row;
  return undefined;
};

const identityFaults = (
  { value }: Of<'leak'>, vni: number, peer: number, [name, peerName]: readonly [string, string], rows: Fault['rows'], objects: readonly string[], what: string,
): Fault[] => {
  if (value.vrf === name && value.vni === vni && value.peerVrf === peerName && value.peerVni === peer) return [];
  const message = `${what} joins "${value.vrf}" (${value.vni}) with "${value.peerVrf}" (${value.peerVni}) and must join "${name}" (${vni}) with "${peerName}" (${peer})`;
  return [{ code: 'WrongIdentity', message, rows, objects }];
};

interface Context {
  readonly from: string;
  readonly to: string;
  readonly rows: Fault['rows'];
  readonly objects: readonly string[];
  readonly own: Vpc | External | undefined;
  readonly other: Vpc | External | undefined;
}

const textOf = (rectangles: readonly Rectangle[]): string => setText(rectangles.map(({ local, remote }) => `${setText(local)}|${setText(remote)}`));

const passes = (rectangles: readonly Rectangle[], local: Address, remote: Address): boolean =>
  rectangles.some((each) => isIn(each.local, local) && isIn(each.remote, remote));

const compare = (leaked: readonly Rectangle[], permitted: readonly Pairing[], context: Context, spec: Scene['spec']): Fault[] => {
  const promised = permitted.filter(({ isPromised }) => isPromised);
  // Nearly always both say the same in the same words.
  if (textOf(leaked) === textOf(promised) || textOf(leaked) === textOf(permitted)) return [];
  const all = [...leaked, ...permitted];
  const locals = representatives(all.flatMap(({ local }) => local), addressesIn(context.own, spec));
  const remotes = representatives(all.flatMap(({ remote }) => remote), addressesIn(context.other, spec));
  const faults: Fault[] = [];
  for (const local of locals) {
    for (const remote of remotes.filter((each) => familyOf(each) === familyOf(local))) {
      const does = passes(leaked, local, remote);
      if (does && !passes(permitted, local, remote)) note(faults, wider(local, remote, context));
      if (!does && passes(promised, local, remote)) note(faults, narrower(local, remote, context));
    }
  }
  return faults;
};

/** One of a kind is enough to know what is wrong. */
const note = (faults: Fault[], fault: Fault): void => {
  if (!faults.some(({ code }) => code === fault.code)) faults.push(fault);
};

const wider = (source: Address, destination: Address, { from, to, rows, objects, own }: Context): Fault => ({
  code: 'PeeringWider',
  message: `"${source}" of ${from} may send to "${destination}" of ${to}, which no peering permits`,
  rows,
  objects,
  ...(own !== undefined && { probe: { source, destination, network: own.network } }),
});

const narrower = (source: Address, destination: Address, { from, to, rows, objects, own }: Context): Fault => ({
  code: 'PeeringNarrower',
  message: `"${source}" of ${from} does not get through to "${destination}" of ${to}, which a peering permits`,
  rows,
  objects,
  ...(own !== undefined && { probe: { source, destination, network: own.network } }),
});

/** A leak under another key than that of its two VRFs. */
export const checkStrayLeak = (vni: number, key: string, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const row = state.row(scope, 'leak', key);
  if (row === undefined) return [];
  const expected = `${vrfNameOf(vni, state)}/${vrfNameOf(row.value.peerVni, state)}`;
  if (key === expected || spec.networkOfVni(vni) === undefined) return [];
  const objects = [spec.networkOfVni(vni)?.network ?? scope];
  return [{ code: 'StaleRow', message: `"${scope}" has a leak "${key}" that joins no two VRFs of these names`, rows: [ref(scope, 'leak', key)], objects }];
};
