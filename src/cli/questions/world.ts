/**
 * A control plane that is imagined from objects: compiled and allocated like a real one, and published to nobody. Of files, or of
 * what a server holds, now or at a revision before, with files laid over it.
 */
import { kinds } from '../../api/kinds.ts';
import { group, refKey, refOf, type Resource } from '../../api/object.ts';
import { pathOf } from '../../client/discovery.ts';
import { itemsOf } from '../../client/live.ts';
import { GoalState } from '../../goal/state.ts';
import { HeddleError } from '../../kit/error.ts';
import { CompileStage } from '../../scenarios/compilestage.ts';
import { createVerifier } from '../../verify/checker.ts';
import { matrixOf, vpcsOf, type Cell } from '../../verify/matrix.ts';
import { lookupIn } from '../../verify/state.ts';
import type { Verdict } from '../../verify/verifier.ts';
import type { Io } from '../io.ts';
import { checkSources, formatFaults } from '../offline.ts';
import type { Session } from '../session.ts';
import { readSources } from '../source.ts';

export class World {
  readonly goal = new GoalState();
  readonly #stage: CompileStage;
  readonly #objects: readonly Resource[];

  /** Objects that are faulty in themselves are refused. */
  constructor(objects: readonly Resource[]) {
    this.#objects = objects;
    this.#stage = new CompileStage(objects.filter(({ kind }) => isOurs(kind)));
    for (const [scope, rows] of this.#stage.scopes()) this.goal.replace(scope, rows);
  }

  /** Whatever is not in force, and why. */
  get findings(): readonly string[] {
    return this.#objects.filter(({ kind }) => isOurs(kind)).flatMap((object) => {
      const found = this.#stage.findings(refOf(object)).find(({ severity }) => severity === 'error');
      return found === undefined ? [] : [`${refKey(refOf(object))}: ${found.path === '' ? '' : `${found.path}: `}${found.message}`];
    });
  }

  verify(): Verdict {
    const verifier = createVerifier({ goal: lookupIn(this.goal) });
    const objects = kinds.flatMap(({ kind }) => this.#stage.objects(kind)).map((object) => ({ ref: refOf(object), object }));
    verifier.observe(objects, new Map(objects.map(({ ref }) => [refKey(ref), this.#stage.findings(ref)])));
    return verifier.checkAll();
  }

  /** Cells of all VPCs, each pair once. */
  matrix(progress: (done: number, all: number) => void): Cell[] {
    const vpcs = vpcsOf(this.goal);
    return vpcs.flatMap((vrf, index) => {
      progress(index, vpcs.length);
      return matrixOf(this.goal, vrf, 'from');
    });
  }
}

const isOurs = (kind: string): boolean => kinds.some((each) => each.kind === kind);

/** @throws HeddleError with every fault, each with its place */
export const objectsOfFiles = async (io: Io, files: readonly string[]): Promise<Resource[]> => {
  const { sources, faults } = await readSources(files, io.stdin);
  const all = [...faults, ...checkSources(sources)];
  if (all.length > 0) {
    io.note(formatFaults(all));
    throw new HeddleError('Invalid', `${all.length} ${all.length === 1 ? 'fault' : 'faults'} in ${files.join(', ')}`);
  }
  return sources.map(({ object }) => withNamespace(object));
};

/** As `apply` would store it. */
const withNamespace = (object: Resource): Resource => {
  const kind = kinds.find((each) => each.kind === object.kind);
  if (kind?.scope !== 'Namespaced' || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } };
};

/** Every object of ours that the server holds, as it was at a revision if one is named. */
export const objectsOfServer = async (session: Session, revision?: string): Promise<Resource[]> => {
  const types = (await session.types()).filter((type) => type.group === group && type.verbs.includes('list') && isOurs(type.kind));
  const query = revision === undefined ? '' : `?${new URLSearchParams({ resourceVersion: revision, resourceVersionMatch: 'Exact' }).toString()}`;
  const lists = await Promise.all(types.map(async (type) => itemsOf((await session.client.call({ path: `${pathOf(type, '')}${query}` })).body, type, `${type.group}/${type.version}`)));
  return lists.flat();
};

/** Objects of the second list take the place of those of the first with the same name, and keep who they are. */
export const laidOver = (below: readonly Resource[], above: readonly Resource[]): Resource[] => {
  const objects = new Map(below.map((object) => [refKey(refOf(object)), object]));
  for (const object of above) {
    const { uid, creationTimestamp } = objects.get(refKey(refOf(object)))?.metadata ?? {};
    const metadata = { ...object.metadata, ...(uid !== undefined && { uid }), ...(creationTimestamp !== undefined && { creationTimestamp }) };
    objects.set(refKey(refOf(object)), { ...object, metadata });
  }
  return [...objects.values()];
};
