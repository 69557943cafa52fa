/** `heddle rollout` and `heddle history`: how far a change of a fabric is, what was changed before, and back again. */
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'yaml';
import type { FabricSpec } from '../api/kinds/fabric.ts';
import type { RolloutChange, RolloutSpec } from '../api/kinds/rollout.ts';
import { rolledOutPart, setBack } from '../api/rollout.ts';
import { HeddleError } from '../kit/error.ts';
import { formatTable } from '../kit/table.ts';
import { apiVersionOf, findType, objectName, pathOf, typeOfObject } from '../client/discovery.ts';
import { mergePatchType } from '../client/http.ts';
import { asObject, changes, getObject, itemsOf } from '../client/live.ts';
import { unified } from './diff.ts';
import type { ExitStatus, Io } from './io.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export interface HistoryOptions extends GlobalOptions {
  readonly output: 'table' | 'json' | 'yaml';
  /** Shows what this one changed. */
  readonly revision?: number;
}

export interface StatusOptions extends GlobalOptions {
  readonly output: 'text' | 'json';
  /** Follows it to its end. */
  readonly watch: boolean;
}

export interface UndoOptions extends GlobalOptions {
  /** What was so after this one is so again; left out: the newest is taken back. */
  readonly toRevision?: number;
  readonly dryRun?: boolean;
}

export const history = (io: Io, fabric: string, { revision, ...options }: HistoryOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const all = await rolloutsOf(session, fabric);
    const shown = revision === undefined ? all : [ofRevision(all, fabric, revision)];
    if (options.output === 'json') io.out(`${JSON.stringify(revision === undefined ? shown : shown[0], null, 2)}\n`);
    else if (options.output === 'yaml') io.out(stringify(revision === undefined ? shown : shown[0], { lineWidth: 0 }));
    else if (revision !== undefined) io.out(shown.flatMap(({ changes: changed }) => changed.map(difference)).join(''));
    else if (shown.length === 0) io.note(`no change of fabric "${fabric}" was rolled out yet\n`);
    else io.out(formatTable(['REVISION', 'STARTED', 'PHASE', 'DEVICES', 'CHANGES'], shown.map(historyLine)));
    return 0;
  });

const historyLine = ({ revision, startTime, phase, rolledBack, waves, changes: changed }: RolloutSpec): string[] => [
  String(revision), startTime, rolledBack === true ? `${phase}, rolled back` : phase, String(waves.flat().length), changed.map(nameOf).join(', '),
];

const nameOf = ({ kind, namespace, name }: RolloutChange): string => `${kind}/${namespace === '' ? name : `${namespace}/${name}`}`;

const difference = (change: RolloutChange): string => unified(nameOf(change), yamlOf(change.before), yamlOf(change.after));

const yamlOf = (json: string): string => stringify(parse(json), { sortMapEntries: true, lineWidth: 0 });

export const rolloutStatus = (io: Io, fabric: string, options: StatusOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const newest = (await rolloutsOf(session, fabric)).at(-1);
    if (newest === undefined) {
      io.note(`no change of fabric "${fabric}" was rolled out yet\n`);
      return 0;
    }
    const last = options.watch ? await follow(session, newest, options) : newest;
    if (!options.watch) io.out(options.output === 'json' ? `${JSON.stringify(last, null, 2)}\n` : describeRollout(last));
    return last.phase === 'Halted' ? 1 : 0;
  });

const isOver = ({ phase }: RolloutSpec): boolean => phase === 'Complete' || phase === 'Halted' || phase === 'Superseded';

/** Prints every change until it is over; the last state. */
const follow = async (session: Session, from: RolloutSpec, { output }: StatusOptions): Promise<RolloutSpec> => {
  const { io, client } = session;
  const type = findType(await session.types(), 'rollout');
  const name = `${from.fabric}-${from.revision}`;
  const print = (spec: RolloutSpec): void => io.out(output === 'json' ? `${JSON.stringify(spec)}\n` : `${lineOf(spec)}\n`);
  const place = { type, namespace: '', name };
  const object = await getObject(client, place);
  let last = object === undefined ? from : (object.spec as RolloutSpec);
  print(last);
  if (object === undefined || isOver(last)) return finish(io, last, output);
  for await (const { type: event, object: seen } of changes(client, place, object.metadata.resourceVersion ?? '0', io.signal)) {
    if (event === 'DELETED') break;
    last = asObject(seen).spec as RolloutSpec;
    print(last);
    if (isOver(last)) break;
  }
  return finish(io, last, output);
};

const finish = (io: Io, last: RolloutSpec, output: StatusOptions['output']): RolloutSpec => {
  if (output === 'text') for (const { device, reason, message } of last.failures) io.note(`${device}: ${reason}: ${message}\n`);
  return last;
};

const lineOf = ({ fabric, revision, phase, message }: RolloutSpec): string => `revision ${revision} of fabric ${fabric}: ${phase}: ${message}`;

const describeRollout = (spec: RolloutSpec): string => {
  const waves = spec.waves.map((devices, index) => [String(index + 1), index < spec.wave ? (spec.rolledBack === true ? 'taken back' : 'let go') : 'waits', devices.join(', ')]);
  const failures = spec.failures.map(({ device, reason, message }) => `${device}: ${reason}: ${message}\n`).join('');
  return `${lineOf(spec)}\nchanges: ${spec.changes.map(nameOf).join(', ')}\n\n${formatTable(['WAVE', 'STATE', 'DEVICES'], waves)}${failures === '' ? '' : `\n${failures}`}`;
};

/** Lets no further wave go, or goes on. */
export const pause = (io: Io, fabric: string, paused: boolean, options: GlobalOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const type = findType(await session.types(), 'fabric');
    const place = { type, namespace: '', name: fabric };
    const object = await getObject(session.client, place);
    if (object === undefined) throw new HeddleError('NotFound', `fabric "${fabric}" not found`);
    if ((object.spec as FabricSpec).rollout === undefined) {
      throw new HeddleError('Conflict', `fabric "${fabric}" has no spec.rollout: its changes go to all devices at once, so there is nothing to ${paused ? 'pause' : 'resume'}`);
    }
    await session.client.call({ method: 'PATCH', path: pathOf(type, '', fabric), contentType: mergePatchType, body: { spec: { rollout: { paused } } } });
    io.out(`${objectName(type, fabric)} ${paused ? 'paused' : 'resumed'}\n`);
    return 0;
  });

/**
 * Writes back what objects said before. First everything is asked of the server as a dry run, so that either all is taken back or
 * nothing; what follows is a change like any other, proven and rolled out.
 */
export const undo = (io: Io, fabric: string, options: UndoOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const all = await rolloutsOf(session, fabric);
    const newest = all.at(-1);
    if (newest === undefined) throw new HeddleError('NotFound', `no change of fabric "${fabric}" was rolled out yet`);
    const { toRevision = newest.revision - 1 } = options;
    if (toRevision !== newest.revision - 1) ofRevision(all, fabric, toRevision);
    const reverts = await Promise.all(revertsTo(all, toRevision).map((change) => prepare(session, change)));
    for (const write of reverts) await write(true);
    for (const write of reverts) io.out(`${await write(options.dryRun === true)} ${options.dryRun === true ? 'would be set back (dry run)' : 'set back'}\n`);
    return 0;
  });

/** What each object said before the first change after a revision, and what it says since the newest. */
export const revertsTo = (rollouts: readonly RolloutSpec[], revision: number): readonly RolloutChange[] => {
  const reverts = new Map<string, RolloutChange>();
  for (const { changes: changed } of rollouts.filter((each) => each.revision > revision)) {
    for (const change of changed) reverts.set(nameOf(change), { ...change, before: reverts.get(nameOf(change))?.before ?? change.before });
  }
  return [...reverts.values()];
};

type Write = (dryRun: boolean) => Promise<string>;

const prepare = async (session: Session, change: RolloutChange): Promise<Write> => {
  const type = typeOfObject(await session.types(), 'heddle.dev/v1alpha1', change.kind);
  const place = { type, namespace: change.namespace, name: change.name };
  const label = objectName(type, change.name);
  const live = await getObject(session.client, place);
  if (live === undefined) throw new HeddleError('NotFound', `${label} is gone: what it said is no more to be taken back`);
  if (!isDeepStrictEqual(rolledOutPart(change.kind, live.spec), rolledOutPart(change.kind, JSON.parse(change.after)))) {
    throw new HeddleError('Conflict', `${label} has changed since (generation ${change.generation}); look at "heddle history", and change it by hand`);
  }
  const body = { ...live, spec: setBack(change.kind, JSON.parse(change.before), live.spec) };
  return async (dryRun) => {
    await session.client.call({ method: 'PUT', path: `${pathOf(type, place.namespace, place.name)}${dryRun ? '?dryRun=All' : ''}`, body });
    return label;
  };
};

/** Of one fabric, oldest first. */
const rolloutsOf = async (session: Session, fabric: string): Promise<RolloutSpec[]> => {
  const type = findType(await session.types(), 'rollout');
  const { body } = await session.client.call({ path: pathOf(type, '') });
  return itemsOf(body, type, apiVersionOf(type))
    .map(({ spec }) => spec as RolloutSpec)
    .filter((spec) => spec.fabric === fabric)
    .sort((left, right) => left.revision - right.revision);
};

const ofRevision = (all: readonly RolloutSpec[], fabric: string, revision: number): RolloutSpec => {
  const found = all.find((each) => each.revision === revision);
  if (found !== undefined) return found;
  const known = all.map((each) => each.revision).join(', ');
  throw new HeddleError('NotFound', `fabric "${fabric}" has no revision ${revision}${known === '' ? '' : `; there are ${known}`}`);
};
