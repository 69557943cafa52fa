/** The matrix of one VPC, without what is not for the asker to read. */
import { apiVersion, type ObjectRef } from '../../api/object.ts';
import type { MatrixView } from '../../api/matrixview.ts';
import { HeddleError } from '../../kit/error.ts';
import { matrixOf } from '../../verify/matrix.ts';
import { vrfIn } from '../../verify/surroundings.ts';
import type { EndSources } from './ends.ts';

/** @throws HeddleError `BadRequest` */
export const readDirection = (query: URLSearchParams): 'both' | 'from' => {
  const direction = query.get('direction') ?? 'both';
  if (direction !== 'both' && direction !== 'from') throw new HeddleError('BadRequest', `direction "${direction}" is neither both nor from`);
  return direction;
};

/** A VPC that is not in force, or in which nobody is, has no cells. */
export const matrixOfVpc = (ref: ObjectRef, direction: 'both' | 'from', { goal, compiler, sees }: EndSources): MatrixView => {
  const scope = compiler.rowsOf(ref).find(({ row }) => row.table === 'vrf')?.scope;
  const vrf = scope === undefined ? undefined : vrfIn(goal, scope);
  const cells = vrf === undefined ? [] : matrixOf(goal, vrf, direction);
  const isSeen = (party: string): boolean => sees(refOfParty(party));
  return {
    apiVersion,
    kind: 'ReachabilityMatrix',
    metadata: { namespace: ref.namespace, name: ref.name },
    cells: cells.filter(({ from, to }) => isSeen(from) && isSeen(to)),
  };
};

/** `namespace/vpc/subnet`, or `external prefix`. */
const refOfParty = (party: string): ObjectRef => {
  const [outside] = party.split(' ');
  const [namespace = '', name = ''] = party.split('/');
  return party.includes(' ') ? { kind: 'External', namespace: '', name: outside ?? '' } : { kind: 'VPC', namespace, name };
};
