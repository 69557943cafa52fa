/** What a connection is follows from what its ends are: this tells the supported shapes and explains the others. */
import type { PortRef } from '../../api/port.ts';
import { path, portOf, type Specs } from '../intent.ts';
import { query, type View } from '../view.ts';
import type { Examination } from './resolution.ts';

export interface CableEnd extends PortRef {
  /** `<device>/<port>`. */
  readonly text: string;
  /** Path of the end in the Connection. */
  readonly path: string;
}

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
  const cables = spec.links.map(({ ends }, link) =>
    ends.map((text, end): CableEnd => ({ ...portOf(text), text, path: path('spec', 'links', link, 'ends', end) })),
  );
  for (const end of cables.flat()) checkDevice(end, view.query(deviceKind, end.device), seen);
  if (seen.failed) return undefined;
  const oriented = cables.flatMap((ends) => orient(ends, view));
  const problem = oriented.length < cables.length ? mismatch(cables, view) : parallel(oriented, view);
  if (problem !== undefined) {
    seen.error(problem.code, 'spec.links', problem.message);
    return undefined;
  }
  const [first] = oriented;
  if (first === undefined) return undefined;
  if (view.query(deviceKind, first.upper.device) === 'spine') return { type: 'fabric', cables: oriented };
  return { type: oriented.length === 1 ? 'unbundled' : 'bundle', cables: oriented };
};

const checkDevice = ({ device, path }: CableEnd, kind: DeviceKind, seen: Examination): void => {
  if (kind === 'unknown') seen.error('UnknownDevice', path, `there is no Switch and no Server "${device}"; create it or correct the name`);
  if (kind === 'ambiguous') seen.error('AmbiguousDevice', path, `"${device}" is both a Switch and a Server; rename one of them`);
};

/** A cable with its leaf below; nothing when it does not join a leaf with a spine or a server. */
const orient = (ends: readonly CableEnd[], view: View): Cable[] => {
  const [left, right] = ends;
  if (left === undefined || right === undefined) return [];
  const [leftKind, rightKind] = [view.query(deviceKind, left.device), view.query(deviceKind, right.device)];
  if (rightKind === 'leaf' && leftKind !== 'leaf') return [{ upper: left, lower: right }];
  if (leftKind === 'leaf' && rightKind !== 'leaf') return [{ upper: right, lower: left }];
  return [];
};

interface Problem {
  readonly code: string;
  readonly message: string;
}

const mismatch = (cables: readonly (readonly CableEnd[])[], view: View): Problem => {
  const wrong = cables.find((ends) => orient(ends, view).length === 0) ?? [];
  const ends = wrong.map(({ device }) => `${view.query(deviceKind, device)} "${device}"`);
  return {
    code: 'UnsupportedConnection',
    message: `a cable between ${ends.join(' and ')} is not supported; cable a leaf with a spine or with a server`,
  };
};

/** All cables of a connection must join the same two devices. */
const parallel = (cables: readonly Cable[], view: View): Problem | undefined => {
  const uppers = [...new Set(cables.map(({ upper }) => upper.device))];
  const leaves = [...new Set(cables.map(({ lower }) => lower.device))];
  if (uppers.length === 1 && leaves.length === 1) return undefined;
  const [server] = uppers;
  if (uppers.length === 1 && server !== undefined && view.query(deviceKind, server) === 'server') {
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
