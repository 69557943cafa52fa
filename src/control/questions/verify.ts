/**
 * Everything that devices are to hold against everything that objects promise, from nothing: by a verifier of its own, which
 * knows nothing of what was proven before. It works in small portions, so that others have their turn.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { VerifyView, ViolationView } from '../../api/matrixview.ts';
import { apiVersion, refKey, refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import type { GoalState } from '../../goal/state.ts';
import { HeddleError } from '../../kit/error.ts';
import { createVerifier } from '../../verify/checker.ts';
import type { Place } from '../../verify/packet.ts';
import { lookupIn } from '../../verify/state.ts';
import type { Refusal, Verdict, Violation } from '../../verify/verifier.ts';

export interface VerifySources {
  readonly goal: GoalState;
  /** Every object there is, claims too. */
  readonly objects: () => Promise<readonly Resource[]>;
  readonly refusalsOf: (ref: ObjectRef) => readonly Refusal[];
  readonly clock: () => number;
}

const portionMilliseconds = 40;
const portionObjects = 500;
const mostAttempts = 3;

/** @throws HeddleError `Conflict` when the goal state changes faster than it can be checked */
export const verifyAll = async (name: string, sources: VerifySources): Promise<VerifyView> => {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const { version } = sources.goal;
    const verdict = await verifyOnce(sources);
    if (sources.goal.version === version) return viewOf(name, version, verdict);
  }
  throw new HeddleError('Conflict', 'the goal state changed while it was checked: ask again when less goes on');
};

const verifyOnce = async ({ goal, objects, refusalsOf, clock }: VerifySources): Promise<Pick<Verdict, 'violations' | 'checkedClasses'>> => {
  const verifier = createVerifier({ goal: lookupIn(goal), clock });
  const known = (await objects()).map((object) => ({ ref: refOf(object), object }));
  for (let from = 0; from < known.length; from += portionObjects) {
    const portion = known.slice(from, from + portionObjects);
    verifier.observe(portion, new Map(portion.map(({ ref }) => [refKey(ref), refusalsOf(ref)])));
    await turn();
  }
  const found = new Map<string, Violation>();
  let checkedClasses = 0;
  // What was found wrong stays due and is looked at again, after what was not looked at yet: the last portion must hold it all.
  for (let milliseconds = portionMilliseconds, verdict = verifier.checkAll({ milliseconds }); ; milliseconds *= 1.2, verdict = verifier.check([], { milliseconds })) {
    checkedClasses += verdict.checkedClasses;
    for (const violation of verdict.violations) found.set(`${violation.code} ${violation.message}`, violation);
    verifier.accept();
    if (verdict.exhausted === undefined) return { violations: [...found.values()], checkedClasses };
    await turn();
  }
};

export const viewOf = (name: string, version: number, { violations, checkedClasses }: Pick<Verdict, 'violations' | 'checkedClasses'>): VerifyView => ({
  apiVersion, kind: 'Verification', metadata: { name }, version, checkedClasses, violations: violations.map(violationView),
});

export const violationView = ({ code, message, witness, rows, objects }: Violation): ViolationView => ({
  code,
  message,
  ...(witness !== undefined && {
    witness: {
      packet: packetText(witness.packet),
      at: placeText(witness.place),
      steps: witness.hops.map(({ device, action, row }) => `${device}: ${action}${row === undefined ? '' : ` (${row})`}`),
      outcome: witness.outcome,
    },
  }),
  rows,
  objects,
});

const packetText = ({ source, destination, protocol, port }: NonNullable<Violation['witness']>['packet']): string =>
  `${source} -> ${destination} ${protocol}${port === undefined ? '' : `/${port}`}`;

const placeText = ({ device, port, vlan }: Place): string => `${device}/${port}${vlan === undefined ? '' : `.${vlan}`}`;
