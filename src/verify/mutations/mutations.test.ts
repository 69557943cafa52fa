/**
 * Every fault is made, and the verifier must find it, and find nothing where there is none. The table in docs/verification.md is
 * what it said: HEDDLE_WRITE_GOLDENS=1 writes it anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { rowId } from '../../goal/rows.ts';
import { evaluate } from '../evaluate.ts';
import { readNetwork } from '../network.ts';
import { after, everyFieldChanged } from '../bruteforce/testing-damage.ts';
import { verificationDocument, type Field } from './testing-document.ts';
import { sections } from './testing-faults.ts';
import { checkedVerifierOf, isNamed, Trials, verifierOf, type Trial } from './testing-trial.ts';

const documentFile = fileURLToPath(new URL('../../../docs/verification.md', import.meta.url));
const trials = new Trials();
const trialOf = (fault: Trial['fault']): Trial => trials.of(fault);

test('a network without faults has no violation', () => {
  for (const links of ['unnumbered', 'numbered'] as const) {
    const { verifier } = verifierOf(trials.world(links));
    assert.deepEqual(verifier.checkAll().violations, []);
  }
});

for (const { title, faults } of sections) {
  test(`every fault is found, and an object that has to do with it is named: ${title}`, () => {
    const missed = faults.map(trialOf).filter((trial) => trial.verdict.violations.length === 0 || !isNamed(trial));
    assert.deepEqual(missed.map(({ fault, verdict }) => [fault.name, ...verdict.violations.map(({ code, message, objects }) => `${code}: ${message} (${objects.join(' ')})`)]), []);
  });

  test(`what a compiler without faults says is not stopped: ${title}`, () => {
    const stopped = faults.map(trialOf).filter(({ rightly }) => rightly.violations.length > 0);
    assert.deepEqual(stopped.map(({ fault, rightly }) => [fault.name, ...rightly.violations.map(({ code, message }) => `${code}: ${message}`)]), []);
  });

  test(`a witness goes the way it is said to go: ${title}`, () => {
    const lies = faults.map(trialOf).flatMap((trial) => untrue(trial).map((lie) => `${trial.fault.name}: ${lie}`));
    assert.deepEqual(lies, []);
  });
}

/** Witnesses that the rows, as proposed, treat otherwise than said. */
const untrue = ({ made: { published, wrongly: { proposal } }, verdict }: Trial): string[] => {
  let scopes = [...published.scopes];
  for (const change of proposal) scopes = [...after(scopes, change)].map(([name, rows]) => [name, rows]);
  const network = readNetwork(scopes);
  return verdict.violations.flatMap(({ code, witness }) => {
    if (witness === undefined) return [];
    const { type } = evaluate(network, witness.place, witness.packet);
    return witness.outcome.startsWith(type) ? [] : [`${code}: ${JSON.stringify(witness.packet)} is ${type}, not ${witness.outcome}`];
  });
};

/** By field, what came of changing it. */
const fields = new Map<string, Field>();
const sweep = (): ReadonlyMap<string, Field> => {
  if (fields.size > 0) return fields;
  for (const links of ['unnumbered', 'numbered'] as const) {
    const verifier = checkedVerifierOf(trials.world(links));
    for (const { field, change } of everyFieldChanged([...trials.world(links).scopes])) {
      const isNoticed = verifier.check([change]).violations.length > 0;
      verifier.reject();
      const { tried, unnoticed } = fields.get(field) ?? { tried: 0, unnoticed: 0 };
      fields.set(field, { field, tried: tried + 1, unnoticed: unnoticed + (isNoticed ? 0 : 1) });
    }
  }
  return fields;
};

test('a field that is compared nowhere is text for people', () => {
  const never = [...sweep().values()].filter(({ tried, unnoticed }) => tried === unnoticed).map(({ field }) => field);
  assert.deepEqual(never.toSorted(), ['acl.description', 'segment.description', 'vrf.description']);
});

test('a row that is put into any other scope is noticed, for devices take the rows of all scopes that they hold', () => {
  const { scopes } = trials.world('unnumbered');
  const verifier = checkedVerifierOf(trials.world('unnumbered'));
  const missed: string[] = [];
  for (const [scope, rows] of scopes) {
    for (const row of rows) {
      for (const [other, own] of scopes) {
        const there = own.find((each) => rowId(each) === rowId(row));
        if (other === scope || JSON.stringify(there) === JSON.stringify(row)) continue;
        if (verifier.check([{ scope: other, upserts: [row], deletes: [] }]).violations.length === 0) missed.push(`${rowId(row)} of ${scope} in ${other}`);
        verifier.reject();
      }
    }
  }
  assert.deepEqual(missed, []);
});

test('docs/verification.md says what is verified, and what became of every fault', () => {
  const text = verificationDocument(sections.map(({ title, faults }) => ({ title, trials: faults.map(trialOf) })), [...sweep().values()]);
  if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(documentFile, text);
  assert.equal(readFileSync(documentFile, 'utf8'), text, 'stale: HEDDLE_WRITE_GOLDENS=1 npm test -- mutations');
});
