/** Which part of a candidate is taken out for what is wrong with it, and that all the rest goes on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { rowId, type Row, type RowId } from '../../goal/rows.ts';
import { GoalState, type ScopeChange } from '../../goal/state.ts';
import type { Vni } from '../../net/brand.ts';
import { prove, type Proof, type ProofOptions } from './proof.ts';
import { JudgingVerifier, type Judge } from './testing.ts';

/** Letters of a key are its owners; VNI 1 is right, 666 is wrong. */
const rowOf = (key: string, vni = 1): Row => ({ table: 'vrf', key, value: { name: key, vni: vni as Vni, description: '' } });
const ownersOf = (id: RowId): string[] => [...(id.slice(4).match(/[a-z]/g) ?? [])];
const judge: Judge = (_, row) => (row.table === 'vrf' && row.value.vni === 666 ? { objects: ownersOf(rowId(row)).slice(0, 1) } : undefined);

interface Bench {
  readonly goal: GoalState;
  readonly verifier: JudgingVerifier;
  readonly proof: Proof;
  /** After the commit. */
  readonly ids: string[];
}

const run = async (before: readonly Row[], candidate: readonly ScopeChange[], options: Partial<ProofOptions> & { readonly judge?: Judge } = {}): Promise<Bench> => {
  const goal = new GoalState();
  goal.commit([{ scope: 's', upserts: before, deletes: [] }]);
  const verifier = new JudgingVerifier(goal, options.judge ?? judge);
  const proof = await prove({
    candidate,
    verifier,
    partiesOf: (_, id) => ({ owners: ownersOf(id), objects: ownersOf(id) }),
    scopesOf: () => candidate.map(({ scope }) => scope),
    check: (proposal) => Promise.resolve(verifier.check(proposal)),
    warns: false,
    blocksExhausted: true,
    isStanding: () => false,
    isExplained: ({ rows: [first] }, { stays }) => first !== undefined && stays.get(first.scope)?.has(first.row) === true,
    mayStay: () => true,
    ...options,
  });
  if (proof.isOpen) verifier.accept();
  for (const { scope, upserts, deletes } of candidate) {
    const isGoing = (id: RowId): boolean => proof.stays.get(scope)?.has(id) !== true;
    goal.commit([{ scope, upserts: upserts.filter((row) => isGoing(rowId(row))), deletes: deletes.filter(isGoing) }]);
  }
  return { goal, verifier, proof, ids: [...goal.scope('s').rows.values()].map(({ key, value }) => `${key}=${'vni' in value ? value.vni : ''}`).toSorted() };
};

describe('a proof', () => {
  test('takes out a wrong row with all that its object changes, and nothing of others', async () => {
    const { ids, proof } = await run([rowOf('a1')], [{ scope: 's', upserts: [rowOf('a1', 666), rowOf('a2', 2), rowOf('b1', 2)], deletes: [] }]);
    assert.deepEqual(ids, ['a1=1', 'b1=2']);
    assert.deepEqual(proof.faults.map(({ owners }) => [...owners]), [['a']]);
    assert.equal(proof.checks, 2);
  });

  test('lets a row go that another object hands in too', async () => {
    const { ids } = await run([], [{ scope: 's', upserts: [rowOf('a1', 666), rowOf('ab1'), rowOf('b1')], deletes: [] }]);
    assert.deepEqual(ids, ['ab1=1', 'b1=1']);
  });

  test('checks once when all is well', async () => {
    const { proof, ids } = await run([], [{ scope: 's', upserts: [rowOf('a1'), rowOf('b1')], deletes: [] }]);
    assert.equal(proof.checks, 1);
    assert.deepEqual(ids, ['a1=1', 'b1=1']);
  });

  test('blocks nothing for what was wrong before, and says that it is', async () => {
    const { ids, proof } = await run([rowOf('a1', 666)], [{ scope: 's', upserts: [rowOf('a2'), rowOf('b1')], deletes: [] }]);
    assert.deepEqual(ids, ['a1=666', 'a2=1', 'b1=1']);
    assert.deepEqual(proof.present.map(({ violation }) => violation.rows[0]?.row), ['vrf/a1']);
  });

  test('lets deletions go that close what is open, though another row of their object is wrong', async () => {
    const { ids, proof } = await run([rowOf('a1', 666)], [{ scope: 's', upserts: [rowOf('a2', 666)], deletes: ['vrf/a1'] }]);
    assert.deepEqual(ids, []);
    assert.deepEqual(proof.present, []);
  });

  test('keeps deletions that close nothing with what they belong to', async () => {
    const { ids } = await run([rowOf('a1')], [{ scope: 's', upserts: [rowOf('a2', 666)], deletes: ['vrf/a1'] }]);
    assert.deepEqual(ids, ['a1=1']);
  });

  test('follows the way of a packet from what is likeliest to what is left', async () => {
    // Whoever is to blame is the third on the way.
    const way: Judge = (_, row) => (row.key === 'c1' ? { objects: ['x'], rows: [] } : undefined);
    const { ids } = await run([], [{ scope: 's', upserts: [rowOf('a1'), rowOf('b1'), rowOf('c1')], deletes: [] }], { judge: way });
    assert.deepEqual(ids, ['a1=1', 'b1=1']);
  });

  test('gives up after a number of rounds and takes out everything', async () => {
    let count = 0;
    const verifier = new JudgingVerifier(new GoalState(), () => undefined);
    const check: JudgingVerifier['check'] = (proposal) => {
      const first = proposal[0]?.upserts[0];
      count += 1;
      const wrong = { code: 'WrongRow' as const, message: 'always', rows: first === undefined ? [] : [{ scope: 's', row: rowId(first) }], objects: [`${count}`], before: false };
      return { violations: [wrong], checkedRows: 0, checkedClasses: 0, unchecked: 0 };
    };
    const upserts = Array.from({ length: 100 }, (_, number) => rowOf(`${String.fromCodePoint(97 + (number % 26))}${number}`));
    const { proof, ids } = await run([], [{ scope: 's', upserts, deletes: [] }], { check: (proposal) => Promise.resolve(check(proposal)), verifier: { reject: () => verifier.observe([]) } });
    assert.deepEqual(ids, []);
    assert.ok(proof.checks <= 13);
    assert.equal(proof.isOpen, false);
  });

  test('takes nothing out of what may not stay', async () => {
    const { ids, proof } = await run([], [{ scope: 's', upserts: [rowOf('a1', 666), rowOf('b1', 666)], deletes: [] }], { mayStay: ({ row }) => ownersOf(row).includes('b') });
    assert.deepEqual(ids, ['a1=666']);
    assert.deepEqual(proof.present.map(({ owners }) => [...owners]), [['a']]);
  });
});

test('whatever is wrong with a candidate, nothing wrong that is new goes, and nothing stays but what its owners are to blame for', async () => {
  const anyRow = fc.tuple(fc.constantFrom('a', 'b', 'c', 'ab', 'bc'), fc.nat(3), fc.constantFrom(1, 2, 666));
  const rows = fc.uniqueArray(anyRow, { maxLength: 10, selector: ([owners, number]) => `${owners}${number}` });
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(3)), { maxLength: 3 }), async (before, after, deletes) => {
      const upserts = after.map(([owners, number, vni]) => rowOf(`${owners}${number}`, vni));
      const gone = deletes.map(([owners, number]) => `vrf/${owners}${number}`).filter((id) => !upserts.some((row) => rowId(row) === id));
      const former = before.map(([owners, number, vni]) => rowOf(`${owners}${number}`, vni));
      const { goal, proof } = await run(former, [{ scope: 's', upserts, deletes: gone }]);
      const wrongBefore = new Set(former.filter((row) => judge('s', row) !== undefined).map(rowId));
      for (const row of goal.scope('s').rows.values()) if (judge('s', row) !== undefined) assert.ok(wrongBefore.has(rowId(row)), `${rowId(row)} is new and wrong`);
      const guilty = new Set(proof.faults.flatMap(({ owners }) => [...owners]));
      for (const id of proof.stays.get('s')?.keys() ?? []) assert.ok(ownersOf(id).some((owner) => guilty.has(owner)), `${id} stays for nothing`);
      for (const row of upserts) {
        if (ownersOf(rowId(row)).some((owner) => !guilty.has(owner)) && judge('s', row) === undefined) {
          assert.notEqual(proof.stays.get('s')?.has(rowId(row)), true, `${rowId(row)} is held up by others`);
        }
      }
    }),
    { numRuns: 300 },
  );
});
