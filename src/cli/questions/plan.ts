/** `heddle plan`: what would follow from applying or deleting what files say, as the server itself finds out. */
import { planKind } from '../../api/plankind.ts';
import type { PlannedFinding, PlanSpec, PlanStatus } from '../../api/planview.ts';
import { apiVersion, refKey, type ObjectRef, type Resource } from '../../api/object.ts';
import { pathOf } from '../../client/discovery.ts';
import { mergePatchType } from '../../client/http.ts';
import { applyPatch, withLastApplied } from '../../client/lastapplied.ts';
import { asObject, getObject } from '../../client/live.ts';
import { HeddleError } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import type { ExitStatus, Io } from '../io.ts';
import { fileTargets, type FileTarget } from '../objects.ts';
import { withSession, type GlobalOptions, type Session } from '../session.ts';
import { formatPlan } from './plantext.ts';

export interface PlanOptions extends GlobalOptions {
  readonly filename: readonly string[];
  /** What the files name is to be deleted. */
  readonly delete?: true;
  /** Every row and every command. */
  readonly all?: true;
  readonly output: 'text' | 'json';
}

/** Exit status 0: nothing would change, 2: something would, 1: it is refused. */
export const plan = (io: Io, options: PlanOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const targets = await fileTargets(session, options.filename);
    const { spec, refused } = options.delete === true ? deletion(targets) : await application(session, targets);
    const status = withRefused(await ask(session, spec), refused);
    const isColoured = io.isTerminal && !io.env['NO_COLOR'];
    io.out(options.output === 'json' ? `${JSON.stringify(status, null, 2)}\n` : formatPlan(status, { all: options.all === true, isColoured }));
    return status.result === 'Refused' ? 1 : status.result === 'Change' ? 2 : 0;
  });

interface Refused {
  readonly ref: ObjectRef;
  readonly findings: readonly PlannedFinding[];
}

const refOf = ({ type: { kind }, namespace, name }: FileTarget): ObjectRef => ({ kind, namespace, name });

const deletion = (targets: readonly FileTarget[]): { readonly spec: PlanSpec; readonly refused: readonly Refused[] } => ({ spec: { delete: targets.toReversed().map(refOf) }, refused: [] });

/** Objects as `heddle apply` would leave them: what is there is merged with what the files say by the server. */
const application = async (session: Session, targets: readonly FileTarget[]): Promise<{ readonly spec: PlanSpec; readonly refused: readonly Refused[] }> => {
  const [apply, refused]: [Resource[], Refused[]] = [[], []];
  for (const target of targets) {
    try {
      apply.push(await applied(session, target));
    } catch (thrown) {
      const { code, message, findings } = HeddleError.from(thrown);
      if (code === 'Unavailable') throw thrown;
      refused.push({ ref: refOf(target), findings: findings.length > 0 ? findings : [{ path: '', code, message }] });
    }
  }
  return { spec: { apply }, refused };
};

const applied = async (session: Session, target: FileTarget): Promise<Resource> => {
  const live = await liveOf(session, target);
  if (live === undefined) return target.object;
  const patch = applyPatch(live, withLastApplied(target.object));
  if (patch === undefined) return live;
  const path = `${pathOf(target.type, target.namespace, target.name)}?dryRun=All&fieldValidation=Strict&fieldManager=kubectl-client-side-apply`;
  return asObject((await session.client.call({ method: 'PATCH', path, body: patch, contentType: mergePatchType })).body);
};

/** Who may write and not read is told by the server what he may not. */
const liveOf = async (session: Session, target: FileTarget): Promise<Resource | undefined> => {
  try {
    return await getObject(session.client, target);
  } catch (thrown) {
    if (HeddleError.from(thrown).code !== 'Forbidden') throw thrown;
    return undefined;
  }
};

const ask = async ({ client }: Session, spec: PlanSpec): Promise<PlanStatus> => {
  const { group, version, plural, kind } = planKind;
  const { body } = await client.call({ method: 'POST', path: `/apis/${group}/${version}/${plural}`, body: { apiVersion, kind, spec } });
  return objectOr(body)['status'] as PlanStatus;
};

const withRefused = (status: PlanStatus, refused: readonly Refused[]): PlanStatus =>
  refused.length === 0
    ? status
    : { ...status, result: 'Refused', objects: [...status.objects, ...refused.map(({ ref, findings }) => ({ object: refKey(ref), action: 'change' as const, findings, notes: [] }))] };
