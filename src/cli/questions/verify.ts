/** `heddle verify`: whether goal state keeps what objects promise, what reaches what, and what a change makes of that. */
import { matrixView, verifyView, type MatrixView, type VerifyView } from '../../api/matrixview.ts';
import { findType, pathOf } from '../../client/discovery.ts';
import { itemsOf } from '../../client/live.ts';
import { viewOf } from '../../control/questions/verify.ts';
import { HeddleError } from '../../kit/error.ts';
import { differenceOf, type Cell } from '../../verify/matrix.ts';
import type { ExitStatus, Io } from '../io.ts';
import { withSession, type GlobalOptions, type Session } from '../session.ts';
import { formatDifference, formatMatrix, formatViolations } from './verifytext.ts';
import { laidOver, objectsOfFiles, objectsOfServer, World } from './world.ts';

export interface VerifyOptions extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly matrix?: true;
  /** Files, or `server`. */
  readonly against?: readonly string[];
  readonly revision?: string;
  readonly output: 'text' | 'json';
}

/** Exit status 1: something is wrong; 2: what is compared differs. */
export const verify = async (io: Io, options: VerifyOptions): Promise<ExitStatus> => {
  const { filename, against, revision, matrix } = options;
  if (against !== undefined && revision !== undefined) throw new HeddleError('BadRequest', '--against and --revision both say what to compare with: use one of them');
  if (against !== undefined || revision !== undefined) return compare(io, options);
  if (matrix === true) {
    const cells = filename === undefined ? await withSession(io, options, (session) => serverMatrix(io, session, options.namespace)) : (await worldOfFiles(io, filename)).matrix(progressOn(io));
    io.out(options.output === 'json' ? `${JSON.stringify(cells, null, 2)}\n` : formatMatrix(cells));
    return 0;
  }
  const view = filename === undefined ? await withSession(io, options, serverVerification) : viewOf('files', 0, (await worldOfFiles(io, filename)).verify());
  io.out(options.output === 'json' ? `${JSON.stringify(view, null, 2)}\n` : formatViolations(view));
  return view.violations.length === 0 ? 0 : 1;
};

const worldOfFiles = async (io: Io, files: readonly string[]): Promise<World> => told(io, new World(await objectsOfFiles(io, files)));

/** What is not in force reaches nobody, and whoever reads a matrix must know that. */
const told = (io: Io, world: World): World => {
  for (const finding of world.findings) io.note(`not in force: ${finding}\n`);
  return world;
};

/** One line that is written over, where somebody sees it; nothing else is told there. */
const progressOn = (io: Io) => (done: number, all: number): void => {
  if (io.isTerminal && all > 20) io.note(`\r${done + 1} of ${all} VPCs${done + 1 === all ? '\n' : ''}`);
};

const serverVerification = async (session: Session): Promise<VerifyView> => {
  const type = findType(await session.types(), 'fabric');
  const fabric = itemsOf((await session.client.call({ path: pathOf(type, '') })).body, type, '')[0]?.metadata.name;
  if (fabric === undefined) throw new HeddleError('NotFound', 'there is no Fabric, and so nothing that devices are to hold');
  return (await session.client.call({ path: `${pathOf(type, '', fabric)}/${verifyView}` })).body as VerifyView;
};

/** VPC by VPC; of all namespaces unless one is named. */
const serverMatrix = async (io: Io, session: Session, namespace = ''): Promise<Cell[]> => {
  const type = findType(await session.types(), 'vpc');
  const { body } = await session.client.call({ path: pathOf(type, namespace) });
  const vpcs = itemsOf(body, type, '');
  const progress = progressOn(io);
  const cells: Cell[] = [];
  for (const [index, { metadata }] of vpcs.entries()) {
    progress(index, vpcs.length);
    // Of one tenant alone, what comes to him from others has no other VPC to be told by.
    const direction = namespace === '' ? 'from' : 'both';
    const path = `${pathOf(type, metadata.namespace ?? '', metadata.name)}/${matrixView}?direction=${direction}`;
    cells.push(...((await session.client.call({ path })).body as MatrixView).cells);
  }
  return [...new Map(cells.map((cell) => [`${cell.from} ${cell.to} ${cell.family}`, cell])).values()];
};

const compare = async (io: Io, options: VerifyOptions): Promise<ExitStatus> => {
  const { filename, against, revision, output } = options;
  const isOnServer = against?.includes('server') === true;
  if (isOnServer && (filename === undefined || against.length > 1)) {
    throw new HeddleError('BadRequest', '--against server compares files with what the server has: name them with -f');
  }
  const files = filename === undefined ? undefined : await objectsOfFiles(io, filename);
  const needsServer = files === undefined || isOnServer || revision !== undefined;
  const live = needsServer ? await withSession(io, options, (session) => objectsOfServer(session)) : [];
  const former = revision === undefined ? undefined : await withSession(io, options, (session) => objectsOfServer(session, revision));
  const before = former ?? (isOnServer ? live : await objectsOfFiles(io, against ?? []));
  const after = files === undefined ? live : isOnServer || former !== undefined ? laidOver(live, files) : files;
  const [first, second] = [new World(before), told(io, new World(after))];
  const difference = differenceOf(first.matrix(progressOn(io)), second.matrix(progressOn(io)));
  const violations = viewOf('change', 0, second.verify());
  if (output === 'json') io.out(`${JSON.stringify({ ...difference, violations: violations.violations }, null, 2)}\n`);
  else io.out(formatDifference(difference) + (violations.violations.length === 0 ? '' : formatViolations(violations)));
  if (violations.violations.length > 0) return 1;
  return difference.allows.length + difference.denies.length > 0 ? 2 : 0;
};
