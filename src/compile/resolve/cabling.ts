/** What a connection is follows from what its ends are: this tells the supported shapes and explains the others. */
import type { PortRef } from '../../api/port.ts';
import { path, portOf, type Specs } from '../intent.ts';
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

/** `upper` is the spine or the server, `lower` the leaf. */
export interface Cable {
  readonly upper: CableEnd;
  readonly lower: CableEnd;
}

export interface Shape {
  readonly type: 'fabric' | 'unbundled' | 'bundle';
  readonly cables: readonly Cable[];
}

type DeviceKind = 'spine' | 'leaf' | 'server' | 'unknown' | 'ambiguous';

/** Key: device name. A border is a leaf here. */
export const deviceKind = query('deviceKind', (view, name): DeviceKind => {
  const found = view.get('Switch', '', name);
  const isServer = view.get('Server', '', name) !== undefined;
  if (found === undefined) return isServer ? 'server' : 'unknown';
  if (isServer) return 'ambiguous';
  const { role } = found.spec as Specs['Switch'];
  return role === 'spine' ? 'spine' : 'leaf';
});

/** The shape, or undefined when it is not supported, which is then among the findings. */
export const shapeOf = (spec: Specs['Connection'], seen: Examination, view: View): Shape | undefined => {
  const cables = spec.links.map(({ ends }, link) => ends.map((text, end) => endOf(text, [link, end], view)));
  for (const ends of cables) for (const end of ends) checkDevice(end, seen);
  if (seen.failed) return undefined;
  const oriented = cables.flatMap(orient);
  const problem = oriented.length < cables.length ? mismatch(cables) : parallel(oriented);
  if (problem !== undefined) {
    seen.error(problem.code, 'spec.links', problem.message);
    return undefined;
  }
  const [first] = oriented;
  if (first === undefined) return undefined;
  if (first.upper.kind === 'spine') return { type: 'fabric', cables: oriented };
  return { type: oriented.length === 1 ? 'unbundled' : 'bundle', cables: oriented };
};

const endOf = (text: string, place: readonly [number, number], view: View): CableEnd => {
  const { device, port } = portOf(text);
  return { device, port, text, kind: view.query(deviceKind, device), place };
};

const checkDevice = (end: CableEnd, seen: Examination): void => {
  const { device, kind } = end;
  if (kind === 'unknown') seen.error('UnknownDevice', pathOf(end), `there is no Switch and no Server "${device}"; create it or correct the name`);
  if (kind === 'ambiguous') seen.error('AmbiguousDevice', pathOf(end), `"${device}" is both a Switch and a Server; rename one of them`);
};

/** A cable with its leaf below; nothing when it does not join a leaf with a spine or a server. */
const orient = ([left, right]: readonly CableEnd[]): Cable[] => {
  if (left === undefined || right === undefined) return [];
  if (right.kind === 'leaf' && left.kind !== 'leaf') return [{ upper: left, lower: right }];
  if (left.kind === 'leaf' && right.kind !== 'leaf') return [{ upper: right, lower: left }];
  return [];
};

interface Problem {
  readonly code: string;
  readonly message: string;
}

const mismatch = (cables: readonly (readonly CableEnd[])[]): Problem => {
  const wrong = cables.find((ends) => orient(ends).length === 0) ?? [];
  const ends = wrong.map(({ kind, device }) => `${kind} "${device}"`);
  return {
    code: 'UnsupportedConnection',
    message: `a cable between ${ends.join(' and ')} is not supported; cable a leaf with a spine or with a server`,
  };
};

/** All cables of a connection must join the same two devices. */
const parallel = (cables: readonly Cable[]): Problem | undefined => {
  const [first, ...others] = cables;
  if (others.length === 0) return undefined;
  const uppers = [...new Set(cables.map(({ upper }) => upper.device))];
  const leaves = [...new Set(cables.map(({ lower }) => lower.device))];
  if (uppers.length === 1 && leaves.length === 1) return undefined;
  const [server] = uppers;
  if (uppers.length === 1 && server !== undefined && first?.upper.kind === 'server') {
    return {
      code: 'MultihomedUnsupported',
      message: `Server "${server}" is cabled to several leaves, "${leaves.join('", "')}", which is not supported yet; use one leaf a connection`,
    };
  }
  return {
    code: 'UnsupportedConnection',
    message: `the cables join more than two devices, "${[...uppers, ...leaves].join('", "')}"; make a connection for each pair`,
  };
};
