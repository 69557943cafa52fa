/** What is said about one object: by its translator, and by the goal table when rows contradict each other. */
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

export const verdictOf = ({ findings, facts = noFacts, demands = noDemands }: Translation, conflicts: readonly CompileFinding[]): Verdict => ({
  findings: sortFindings(conflicts.length === 0 ? findings : [...findings, ...conflicts]),
  facts,
  demands,
});

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
