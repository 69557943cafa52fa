/** `heddle delete`: asks for deletion and, unless told otherwise, waits until the objects are gone. */
import { HeddleError } from '../kit/error.ts';
import { findType, objectName, pathOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { fileTargets, type Target } from './objects.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';
import { waitFor } from './wait.ts';

export interface DeleteOptions extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly ignoreNotFound?: boolean;
  /** False: returns when deletion was accepted. */
  readonly wait?: boolean;
}

export const remove = (io: Io, kind: string | undefined, names: readonly string[], options: DeleteOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const targets = await targetsOf(session, kind, names, options.filename ?? []);
    let failed = false;
    const asked: Target[] = [];
    for (const target of targets) {
      if (await removeOne(session, target, options.ignoreNotFound === true)) asked.push(target);
      else failed ||= options.ignoreNotFound !== true;
    }
    if (options.wait !== false) {
      for (const target of asked) await waitFor(session, target, { type: 'delete' }, 300_000);
    }
    return failed ? 1 : 0;
  });

/** Of files: in the reverse of the order of creation. */
const targetsOf = async (session: Session, kind: string | undefined, names: readonly string[], files: readonly string[]): Promise<Target[]> => {
  if (files.length > 0) return (await fileTargets(session, files)).toReversed();
  const [word = '', ...slashed] = (kind ?? '').split('/');
  const wanted = [...slashed, ...names];
  if (word === '' || wanted.length === 0) throw new HeddleError('BadRequest', 'say what to delete: KIND NAME, KIND/NAME or -f FILE');
  const type = findType(await session.types(), word);
  const namespace = type.namespaced ? session.namespace : '';
  return wanted.map((name) => ({ type, namespace, name, label: objectName(type, name) }));
};

/** Asks for the deletion of one object; `NotFound` when it is not there. */
export const removeTarget = async ({ client }: Session, { type, namespace, name }: Target): Promise<void> => {
  await client.call({ method: 'DELETE', path: pathOf(type, namespace, name), body: { propagationPolicy: 'Background' } });
};

/** Whether the object was there. */
const removeOne = async (session: Session, target: Target, quiet: boolean): Promise<boolean> => {
  const { io } = session;
  const { label } = target;
  try {
    await removeTarget(session, target);
    io.out(`${label} deleted\n`);
    return true;
  } catch (error) {
    if (!(error instanceof HeddleError) || error.code !== 'NotFound') throw error;
    if (!quiet) io.note(`${label} not found\n`);
    return false;
  }
};
