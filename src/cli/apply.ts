/** `heddle apply`: makes the server hold what the files say, and tells object by object what that took. */
import { HeddleError, formatFinding } from '../kit/error.ts';
import { objectOr } from '../kit/json.ts';
import { mergePatchType } from '../client/http.ts';
import { pathOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { applyPatch, withLastApplied } from '../client/lastapplied.ts';
import { fileTargets, type FileTarget } from './objects.ts';
import { getObject } from '../client/live.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export interface ApplyOptions extends GlobalOptions {
  readonly filename: readonly string[];
  /** The server checks and answers, and keeps nothing. */
  readonly dryRun?: boolean;
  /** The server merges, and keeps who owns which fields. */
  readonly serverSide?: boolean;
  /** With serverSide: take fields that others own and say otherwise. */
  readonly forceConflicts?: boolean;
  /** With serverSide: under which name fields are owned; default `heddle`. */
  readonly fieldManager?: string;
}

export type Outcome = 'created' | 'configured' | 'unchanged' | 'serverside-applied';

/** Objects are sent one by one in dependency order; one that is refused does not stop the others, and makes the status 1. */
export const apply = (io: Io, options: ApplyOptions): Promise<ExitStatus> => {
  const { serverSide = false, forceConflicts = false, fieldManager } = options;
  if (!serverSide && (forceConflicts || fieldManager !== undefined)) {
    throw new HeddleError('BadRequest', '--force-conflicts and --field-manager need --server-side');
  }
  return applyAll(io, options);
};

const applyAll = (io: Io, options: ApplyOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    let failed = false;
    const suffix = options.dryRun === true ? ' (dry run)' : '';
    for (const target of await fileTargets(session, options.filename)) {
      try {
        io.out(`${target.label} ${await (options.serverSide === true ? applyOnServer(session, target, options) : applyObject(session, target, options.dryRun))}${suffix}\n`);
      } catch (thrown) {
        failed = true;
        const error = HeddleError.from(thrown);
        if (error.code === 'Unavailable' || error.code === 'InsufficientStorage') throw error;
        io.note(formatRefusal(target.label, error));
      }
    }
    return failed ? 1 : 0;
  });

/** Creates the object or patches it to what is wanted. */
export const applyObject = async (session: Session, target: FileTarget, dryRun = false): Promise<Outcome> => {
  const query = `?fieldManager=kubectl-client-side-apply&fieldValidation=Strict${dryRun ? '&dryRun=All' : ''}`;
  const live = await getObject(session.client, target);
  const wanted = withLastApplied(target.object);
  if (live === undefined) {
    await sendNoted(session, { method: 'POST', path: pathOf(target.type, target.namespace) + query, body: wanted });
    return 'created';
  }
  const patch = applyPatch(live, wanted);
  if (patch === undefined) return 'unchanged';
  const path = pathOf(target.type, target.namespace, target.name) + query;
  const stored = await sendNoted(session, { method: 'PATCH', path, body: patch, contentType: mergePatchType });
  // A list is patched whole, and what the file leaves to defaults makes it look different from the list that is stored.
  return !dryRun && versionOf(stored) === live.metadata.resourceVersion ? 'unchanged' : 'configured';
};

/** Server-side apply: the whole file as it is, whatever the server has. */
const applyOnServer = async (session: Session, target: FileTarget, { dryRun = false, forceConflicts = false, fieldManager = 'heddle' }: ApplyOptions): Promise<Outcome> => {
  const query = new URLSearchParams({ fieldManager, fieldValidation: 'Strict', force: String(forceConflicts), ...(dryRun ? { dryRun: 'All' } : {}) });
  const path = `${pathOf(target.type, target.namespace, target.name)}?${query}`;
  await sendNoted(session, { method: 'PATCH', path, body: target.object, contentType: 'application/apply-patch+yaml' });
  return 'serverside-applied';
};

const versionOf = (stored: unknown): unknown => objectOr(objectOr(stored)['metadata'])['resourceVersion'];

const sendNoted = async (session: Session, call: Parameters<Session['client']['call']>[0]): Promise<unknown> => {
  const { body, warnings } = await session.client.call(call);
  for (const warning of warnings) session.io.note(`warning: ${warning}\n`);
  return body;
};

/** The object and every cause on a line of its own. */
export const formatRefusal = (label: string, error: HeddleError): string =>
  error.findings.length === 0
    ? `${label} refused: ${error.message}\n`
    : `${label} refused:\n${error.findings.map((finding) => `  ${formatFinding(finding)}\n`).join('')}`;
