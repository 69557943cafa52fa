/** Views of objects that the leader answers from goal state: which one is meant, and by whom it is asked. */
import { goalView } from '../api/goalview.ts';
import { matrixView, verifyView } from '../api/matrixview.ts';
import { traceView } from '../api/traceview.ts';
import { whatIfView } from '../api/whatifview.ts';
import { HeddleError } from '../kit/error.ts';
import type { Controller } from './controller.ts';
import { readExplainQuery } from './explain.ts';
import { readDirection } from './questions/matrix.ts';
import type { Sees } from './questions/questions.ts';
import { readTraceQuery } from './questions/trace.ts';
import { readWhatIfQuery } from './questions/whatif.ts';

export interface ViewTarget {
  readonly kind: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  readonly view: string;
}

/** @throws HeddleError `BadRequest` for parameters that are none, `NotFound` and `Forbidden` for what they name */
export const answerView = (controller: Controller, target: ViewTarget, query: URLSearchParams, sees: Sees): unknown => {
  switch (target.view) {
    case goalView:
      return controller.explain(target.name, readExplainQuery(query));
    case traceView:
      return controller.questions.trace(readTraceQuery(endText(target, query), query, target.namespace), sees);
    case matrixView:
      return controller.questions.matrix(target, readDirection(query), sees);
    case whatIfView:
      return controller.questions.whatIf(target.name, readWhatIfQuery(query));
    case verifyView:
      return controller.questions.verify(target.name);
    default:
      throw new HeddleError('NotFound', `there is no view "${target.view}"`);
  }
};

/** The object that was asked, in the words of an end. */
const endText = ({ kind, namespace, name }: ViewTarget, query: URLSearchParams): string => {
  const address = query.get('address');
  const at = address === null ? '' : `:${address}`;
  if (kind === 'VPC' && address === null) throw new HeddleError('BadRequest', 'a VPC is no end of a trace: say "address"');
  return namespace === '' ? `${name}${at}` : `${namespace}/${name}${at}`;
};
