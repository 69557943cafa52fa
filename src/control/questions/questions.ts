/** What people ask of the goal state beside the rows of one device: the way of a packet. Reads only. */
import type { MatrixView, VerifyView } from '../../api/matrixview.ts';
import { refKey, type ObjectRef, type Resource } from '../../api/object.ts';
import type { ContributorView } from '../../api/goalview.ts';
import type { TraceView } from '../../api/traceview.ts';
import type { WhatIfView } from '../../api/whatifview.ts';
import type { Compiler } from '../../compile/engine.ts';
import type { GoalState } from '../../goal/state.ts';
import { refOfKey } from '../explain.ts';
import type { Objects } from '../objects.ts';
import type { Refusal } from '../../verify/verifier.ts';
import { withActual, type Inspect } from './actual.ts';
import { matrixOfVpc } from './matrix.ts';
import { traceEnds, viewOf, type TraceQuery, type ViewSources } from './trace.ts';
import { verifyAll } from './verify.ts';
import { whatIf, type WhatIfQuery } from './whatif.ts';

export interface QuestionSources {
  readonly goal: GoalState;
  readonly compiler: Compiler;
  readonly objects: Objects;
  /** Every object there is, claims too. */
  readonly allObjects: () => Promise<readonly Resource[]>;
  /** Why objects are not in force. */
  readonly refusalsOf: (ref: ObjectRef) => readonly Refusal[];
  /** Asks a device what it really has. */
  readonly inspect: Inspect;
  /** See ExplainSources. */
  readonly heldCauses: (scope: string, row: string) => Iterable<string> | undefined;
}

/** Whether the asker may read an object. */
export type Sees = (ref: ObjectRef) => boolean;

export class Questions {
  readonly #sources: QuestionSources;

  constructor(sources: QuestionSources) {
    this.#sources = sources;
  }

  async trace(query: TraceQuery, sees: Sees): Promise<TraceView> {
    const sources = this.#view(query.namespace, sees);
    const traced = traceEnds(query, sources);
    const view = viewOf(traced, sources);
    const { goal, inspect } = this.#sources;
    return query.actual ? withActual(view, traced, { goal, inspect, seesDevice: sources.seesDevice }) : view;
  }

  matrix(ref: ObjectRef, direction: 'both' | 'from', sees: Sees): MatrixView {
    return matrixOfVpc(ref, direction, this.#view(ref.namespace, sees));
  }

  verify(name: string): Promise<VerifyView> {
    const { goal, allObjects, refusalsOf } = this.#sources;
    return verifyAll(name, { goal, objects: allObjects, refusalsOf, clock: () => performance.now() });
  }

  whatIf(name: string, query: WhatIfQuery): Promise<WhatIfView> {
    return whatIf(name, this.#sources.goal, query, () => performance.now());
  }

  #view(namespace: string, sees: Sees): ViewSources {
    const { goal, compiler, objects } = this.#sources;
    return {
      goal,
      compiler,
      objects,
      sees,
      namespace,
      contributors: (scope, row) => this.#contributors(scope, row),
      seesDevice: (name) => ['Switch', 'Gateway'].some((kind) => sees({ kind, namespace: '', name }) && objects.get(refKey({ kind, namespace: '', name })) !== undefined),
    };
  }

  #contributors(scope: string, row: string): ContributorView[] {
    const { compiler, objects, heldCauses } = this.#sources;
    const held = heldCauses(scope, row);
    const refs = held === undefined ? compiler.explain(scope, row) : [...held].map(refOfKey);
    return refs.map((ref) => {
      const generation = objects.get(refKey(ref))?.metadata.generation;
      return generation === undefined ? ref : { ...ref, generation };
    });
  }
}
