/** What is said about one object by all who speak of it: its translators, and the goal table when rows contradict each other. */
import type { Demand } from './demand.ts';
import { sortFindings, type CompileFinding } from './finding.ts';
import { same } from './same.ts';
import type { Facts, Translation } from './view.ts';

export interface Verdict {
  /** Errors first. */
  readonly findings: readonly CompileFinding[];
  readonly facts: Facts;
  readonly demands: readonly Demand[];
}

const noFacts: Facts = {};
const noDemands: readonly Demand[] = [];

export const verdictOf = (said: readonly Translation[], conflicts: readonly CompileFinding[]): Verdict => {
  const [only, ...others] = said;
  if (others.length === 0 && conflicts.length === 0) {
    return { findings: sortFindings(only?.findings ?? conflicts), facts: only?.facts ?? noFacts, demands: only?.demands ?? noDemands };
  }
  return {
    findings: sortFindings([...said.flatMap(({ findings }) => findings), ...conflicts]),
    facts: Object.assign({}, ...said.map(({ facts }) => facts)),
    demands: said.flatMap(({ demands }) => demands ?? noDemands),
  };
};

/** By object key: what is said otherwise than before. */
export class News {
  readonly findings = new Map<string, readonly CompileFinding[]>();
  readonly facts = new Map<string, Facts>();
  readonly demands = new Map<string, readonly Demand[]>();

  add(objectKey: string, before: Verdict, after: Verdict): void {
    if (!same(before.findings, after.findings)) this.findings.set(objectKey, after.findings);
    if (!same(before.facts, after.facts)) this.facts.set(objectKey, after.facts);
    if (!same(before.demands, after.demands)) this.demands.set(objectKey, after.demands);
  }
}
