/**
 * The resource API for a controller in office: once the office is lost, or could be because its time is up, nothing is written any
 * more; each write looks at the clock, as a process that stood still goes on where it was before its timers run. What is under way at
 * that moment may still arrive; in process the store refuses it, which knows whose term it is. Over HTTPS nobody does, and what holds is
 * this: the leader gave up at least a quarter of the Lease's time before another could begin, a write names the version it was made
 * from where it replaces something, ids are taken by creating an object of that name, and devices know the term.
 */
import type { ResourceClient } from '../../api/client.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Office } from './election.ts';

export const officeClient = (client: ResourceClient, office: Pick<Office, 'mayWrite'>): ResourceClient => {
  const write = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (!office.mayWrite) throw new HeddleError('Unavailable', 'this controller leads no longer, so it writes no more');
    return ask();
  };
  return {
    list: (kind) => client.list(kind),
    watch: (kind, resourceVersion, signal) => client.watch(kind, resourceVersion, signal),
    get: (ref) => client.get(ref),
    create: (object) => write(() => client.create(object)),
    update: (object) => write(() => client.update(object)),
    patch: (ref, patch) => write(() => client.patch(ref, patch)),
    patchStatus: (ref, status, uid) => write(() => client.patchStatus(ref, status, uid)),
    delete: (ref) => write(() => client.delete(ref)),
  };
};
