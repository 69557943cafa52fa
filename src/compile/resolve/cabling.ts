/** What a connection is follows from what its ends are: this tells the supported shapes and explains the others. */
import type { PortRef } from '../../api/port.ts';
import { path, portOf, specNamed, type Specs } from '../intent.ts';
import { query, type View } from '../view.ts';
import type { Examination } from './resolution.ts';

export interface CableEnd extends PortRef {
  /** `<device>/<port>`. */
  readonly text: string;
  readonly kind: DeviceKind;
  /** Place of the end in the Connection: number of the link, and of the end of it. */
  readonly place: readonly [number, number];
}

/** For findings. */
export const pathOf = ({ place: [link, end] }: CableEnd): string => path('spec', 'links', link, 'ends', end);

/** `lower` is the end nearer to the hosts of the fabric: a leaf, but a spine below a gateway. */
export interface Cable {
  readonly upper: CableEnd;
  readonly lower: CableEnd;
}

export type ConnectionType = 'fabric' | 'mesh' | 'gateway' | 'unbundled' | 'bundle' | 'multihomed' | 'external';

export interface Shape {
  readonly type: ConnectionType;
  readonly cables: readonly Cable[];
}

type DeviceKind = 'spine' | 'leaf' | 'border' | 'gateway' | 'server' | 'external' | 'unknown' | 'ambiguous';

const deviceKinds = ['Switch', 'Server', 'Gateway', 'External'] as const;

const kindsNamed = (view: View, name: string): readonly (typeof deviceKinds)[number][] =>
  deviceKinds.filter((kind) => view.get(kind, '', name) !== undefined);

/** Key: device name. */
export const deviceKind = query('deviceKind', (view, name): DeviceKind => {
  const [kind, ...others] = kindsNamed(view, name);
  if (kind === undefined) return 'unknown';
  if (others.length > 0) return 'ambiguous';
  if (kind === 'Switch') return specNamed(view, 'Switch', name)?.role ?? 'unknown';
  return ({ Server: 'server', Gateway: 'gateway', External: 'external' } as const)[kind];
});

/** The shape, or undefined when it is not supported, which is then among the findings. */
export const shapeOf = (spec: Specs['Connection'], seen: Examination, view: View): Shape | undefined => {
  const cables = spec.links.map(({ ends }, link) => ends.map((text, end) => endOf(text, [link, end], view)));
  for (const ends of cables) for (const end of ends) checkDevice(end, seen, view);
  if (seen.failed) return undefined;
  const oriented = cables.flatMap((ends) => orient(ends, seen));
  const [first] = oriented;
  if (first === undefined || oriented.length < cables.length) return undefined;
  const type = typeOf(oriented);
  if (type !== undefined) return { type, cables: oriented };
  const devices = [...new Set(oriented.flatMap(({ upper, lower }) => [upper.device, lower.device]))];
  seen.error('UnsupportedConnection', 'spec.links', `the cables join more than two devices, "${devices.join('", "')}"; make a connection for each pair`);
  return undefined;
};

const endOf = (text: string, place: readonly [number, number], view: View): CableEnd => {
  const { device, port } = portOf(text);
  return { device, port, text, kind: view.query(deviceKind, device), place };
};

const checkDevice = (end: CableEnd, seen: Examination, view: View): void => {
  const { device, kind } = end;
  if (kind === 'unknown') {
    seen.error('UnknownDevice', pathOf(end), `there is no Switch, Server, Gateway or External "${device}"; create it or correct the name`);
  }
  if (kind === 'ambiguous') {
    const kinds = kindsNamed(view, device).map((each) => `a${/^[AE]/.test(each) ? 'n' : ''} ${each}`);
    seen.error('AmbiguousDevice', pathOf(end), `"${device}" is the name of several devices, ${kinds.join(' and ')}; rename all but one`);
  }
};

type Joined = 'fabric' | 'mesh' | 'gateway' | 'server' | 'external';

/** What a cable between two kinds of device is, the upper one first. */
const joins: Readonly<Record<string, Joined>> = {
  'spine leaf': 'fabric',
  'spine border': 'fabric',
  'leaf leaf': 'mesh',
  'leaf border': 'mesh',
  'border leaf': 'mesh',
  'border border': 'mesh',
  'gateway spine': 'gateway',
  'gateway leaf': 'gateway',
  'gateway border': 'gateway',
  'server leaf': 'server',
  'server border': 'server',
  'external border': 'external',
};

const joinOf = ({ upper, lower }: Cable): Joined | undefined => joins[`${upper.kind} ${lower.kind}`];

/** A cable the right way up; of two leaves that is the order of their names. Nothing when such a cable has no meaning. */
const orient = ([left, right]: readonly CableEnd[], seen: Examination): Cable[] => {
  if (left === undefined || right === undefined) return [];
  const [one, other] = left.device <= right.device ? [left, right] : [right, left];
  const cables = [{ upper: one, lower: other }, { upper: other, lower: one }];
  const cable = cables.find((each) => joinOf(each) !== undefined);
  if (cable !== undefined) return [cable];
  seen.error('UnsupportedConnection', path('spec', 'links', left.place[0]), mismatch(left, right));
  return [];
};

const mismatch = (left: CableEnd, right: CableEnd): string => {
  const [what, kinds] = [`a cable between ${[left, right].map(({ kind, device }) => `${kind} "${device}"`).join(' and ')}`, [left.kind, right.kind]];
  if (kinds.includes('external')) return `${what} is not supported; only a Switch of role "border" is cabled to an External`;
  if (kinds.includes('gateway')) return `${what} is not supported; cable a gateway to a spine or a leaf`;
  if (kinds.includes('server')) return `${what} is not supported; cable a server to a leaf`;
  return `${what} is not supported; cable a spine to leaves, and a leaf to spines, leaves and servers`;
};

/** All cables of a connection join the same two devices; only those of a server may go to several leaves. */
const typeOf = (cables: readonly Cable[]): ConnectionType | undefined => {
  const [first] = cables;
  const uppers = new Set(cables.map(({ upper }) => upper.device)).size;
  const lowers = new Set(cables.map(({ lower }) => lower.device)).size;
  const join = first && joinOf(first);
  if (uppers > 1 || join === undefined || (lowers > 1 && join !== 'server')) return undefined;
  if (join !== 'server') return join;
  return lowers > 1 ? 'multihomed' : cables.length > 1 ? 'bundle' : 'unbundled';
};
