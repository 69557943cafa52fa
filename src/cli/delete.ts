/** `heddle delete`: asks for deletion and, unless told otherwise, waits until the objects are gone. */
import { HeddleError } from '../kit/error.ts';
import { findType, objectName, pathOf } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { allTargets, fileTargets, type Target } from './objects.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';
import { waitFor } from './wait.ts';

export interface DeleteOptions extends GlobalOptions {
  readonly filename?: readonly string[];
  readonly ignoreNotFound?: boolean;
  /** Every object of the kind, of the namespace where it has one. */
  readonly all?: boolean;
  /** False: returns when deletion was accepted. */
  readonly wait?: boolean;
}

export const remove = (io: Io, kind: string | undefined, names: readonly string[], options: DeleteOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const targets = await targetsOf(session, kind, names, options);
    let failed = false;
    const asked: Target[] = [];
    for (const target of targets) {
      const outcome = await removeOne(session, target, options.ignoreNotFound === true);
      if (outcome === 'asked') asked.push(target);
      failed ||= outcome === 'refused' || (outcome === 'absent' && options.ignoreNotFound !== true);
    }
    if (options.wait !== false) {
      for (const target of asked) await waitFor(session, target, { type: 'delete' }, 300_000);
    }
    return failed ? 1 : 0;
  });

/** Of files: in the reverse of the order of creation. */
const targetsOf = async (session: Session, kind: string | undefined, names: readonly string[], options: DeleteOptions): Promise<Target[]> => {
  const { filename = [], all = false } = options;
  if (filename.length > 0) return (await fileTargets(session, filename)).toReversed();
  const [word = '', ...slashed] = (kind ?? '').split('/');
  const wanted = [...slashed, ...names];
  if (word !== '' && all && wanted.length === 0) return allTargets(session, word);
  if (word === '' || all || wanted.length === 0) {
    throw new HeddleError('BadRequest', 'say what to delete: KIND NAME, KIND/NAME, KIND --all or -f FILE');
  }
  const type = findType(await session.types(), word);
  const namespace = type.namespaced ? session.namespace : '';
  return wanted.map((name) => ({ type, namespace, name, label: objectName(type, name) }));
};

/** Asks for the deletion of one object; `NotFound` when it is not there. */
export const removeTarget = async ({ client }: Session, { type, namespace, name }: Target): Promise<void> => {
  await client.call({ method: 'DELETE', path: pathOf(type, namespace, name), body: { propagationPolicy: 'Background' } });
};

/** An object that others use stays, and the rest is deleted all the same. */
const removeOne = async (session: Session, target: Target, quiet: boolean): Promise<'asked' | 'absent' | 'refused'> => {
  const { io } = session;
  const { label } = target;
  try {
    await removeTarget(session, target);
    io.out(`${label} deleted\n`);
    return 'asked';
  } catch (error) {
    const { code, message } = HeddleError.from(error);
    if (code === 'NotFound' && !quiet) io.note(`${label} not found\n`);
    if (code === 'NotFound') return 'absent';
    if (code !== 'Conflict') throw error;
    io.note(`${message}\n`);
    return 'refused';
  }
};
