/** Withheld rows and held deletions together: what is published, who waits, and that in the end everything is as it is wanted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fabricDefaults } from '../api/kinds/fabric.ts';
import type { CompileResult } from '../compile/engine.ts';
import { same } from '../compile/same.ts';
import { rowId, type Row, type RowId } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { Barrier } from './barrier.ts';
import { Holds } from './holds.ts';
import { Publisher } from './publish.ts';
import { Withheld, type Parties, type Reason } from './withheld.ts';

const devices = ['x', 'y'];
const scopes = ['device/x', 'device/y', 'vpc/1'];
const owners = ['a', 'b', 'c'];
const keyOf = (owner: string): string => `VPC/default/${owner}`;
const ownerOf = (id: RowId): string => keyOf(id.slice(4, 5));
const rowOf = (key: string, vni: number): Row => ({ table: 'vrf', key, value: { name: key, vni: vni as Vni, description: '' } });

/** A publisher over wishes that come row by row. */
class Bench {
  readonly goal = new GoalState();
  readonly barrier = new Barrier();
  readonly withheld = new Withheld(this.goal);
  readonly wanted = new Map<string, Map<RowId, Row>>(scopes.map((scope) => [scope, new Map<RowId, Row>()]));
  readonly holds: Holds;
  readonly publisher: Publisher;
  /** Rows that are not proven. */
  unproven = new Set<string>();
  allows = false;
  #now = 1_000_000;

  constructor() {
    const limits = { ...fabricDefaults.safety, maxDeletedPercent: 0, minDeletedRows: 1 };
    this.holds = new Holds({ goal: this.goal, fabricOf: () => ({ name: 'default', limits }), allLimits: () => [limits], sizeOf: () => 2 });
    this.publisher = new Publisher({
      goal: this.goal,
      barrier: this.barrier,
      holds: this.holds,
      withheld: this.withheld,
      verification: {
        stays: async (candidate) => {
          const stays = new Map<string, Map<RowId, Reason>>();
          for (const { scope, upserts, deletes } of candidate) {
            const staying = [...deletes, ...upserts.map(rowId)].filter((id) => this.unproven.has(`${scope} ${id}`));
            if (staying.length > 0) stays.set(scope, new Map(staying.map((id): [RowId, Reason] => [id, 'Unproven'])));
          }
          return stays;
        },
        kept: () => [],
        accept: () => undefined,
      },
      scopesOf: (object) => scopes.filter((scope) => [...(this.wanted.get(scope)?.keys() ?? [])].some((id) => ownerOf(id) === object)),
      partiesOf: (scope, id): Parties => {
        const found = this.wanted.get(scope)?.has(id) === true ? [ownerOf(id)] : [];
        return { owners: found, objects: found };
      },
    });
  }

  async open(): Promise<void> {
    const members = devices.map((device) => ({ scope: `device/${device}`, upserts: [{ table: 'member', key: 'vpc/1', value: { scope: 'vpc/1' } } satisfies Row], deletes: [] }));
    await this.publish([resultOf(members, new Map())]);
  }

  async want(scope: string, changes: readonly (readonly [key: string, vni: number | undefined])[]): Promise<void> {
    const wanted = this.wanted.get(scope) ?? new Map<RowId, Row>();
    const upserts: Row[] = [];
    const deletes: RowId[] = [];
    const contributions = new Map<string, Set<string>>();
    for (const [key, vni] of new Map(changes)) {
      const id = `vrf/${key}`;
      if (vni === undefined && !wanted.delete(id)) continue;
      if (vni === undefined) deletes.push(id);
      else {
        upserts.push(rowOf(key, vni));
        wanted.set(id, rowOf(key, vni));
      }
      contributions.set(ownerOf(id), new Set([scope]));
    }
    await this.publish([resultOf([{ scope, upserts, deletes }], contributions)]);
  }

  async publish(results: readonly CompileResult[] = []): Promise<void> {
    await this.publisher.publish(results, new Set(devices), () => this.allows, (this.#now += 100_000));
  }

  answer(): void {
    for (const device of devices) {
      for (const scope of this.goal.subscriptions(device)) this.barrier.acknowledge(device, scope, this.publisher.versionOf(scope), []);
    }
  }

  *differences(): Generator<readonly [scope: string, id: RowId]> {
    for (const [scope, wanted] of this.wanted) {
      const { rows } = this.goal.scope(scope);
      for (const id of new Set([...rows.keys(), ...wanted.keys()])) {
        if (!id.startsWith('member/') && !same(rows.get(id), wanted.get(id))) yield [scope, id];
      }
    }
  }
}

const resultOf = (changes: CompileResult['scopes'], contributions: CompileResult['contributions']): CompileResult => ({
  scopes: changes,
  contributions,
  departed: new Map(changes.map(({ scope, deletes }) => [scope, new Map(deletes.map((id) => [id, [{ kind: 'VPC', namespace: 'default', name: id.slice(4, 5) }]]))])),
  findings: new Map(),
  facts: new Map(),
  demands: new Map(),
});

const anyKey = fc.tuple(fc.constantFrom(...owners), fc.nat(3)).map(([owner, number]) => `${owner}${number}`);
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('want' as const), scope: fc.constantFrom(...scopes), rows: fc.array(fc.tuple(anyKey, fc.constantFrom(1, 2, undefined, undefined)), { maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('judge' as const), places: fc.array(fc.tuple(fc.constantFrom(...scopes), anyKey), { maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('answer' as const, 'allow' as const, 'retry' as const) }) },
);

test('whatever is withheld and held, goal state differs for a reason that somebody names, and who has such rows waits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
      const bench = new Bench();
      await bench.open();
      for (const step of steps) {
        if (step.type === 'want') await bench.want(step.scope, step.rows);
        if (step.type === 'judge') bench.unproven = new Set(step.places.map(([scope, key]) => `${scope} vrf/${key}`));
        if (step.type === 'answer') bench.answer();
        if (step.type === 'retry') {
          bench.withheld.release(() => true);
          await bench.publish();
        }
        if (step.type === 'allow') {
          bench.allows = true;
          await bench.publish();
          bench.allows = false;
        }
        for (const [scope, id] of bench.differences()) {
          const [row, held] = [bench.withheld.get(scope, id), bench.holds.causesOf(scope, id)];
          assert.ok(row !== undefined || held !== undefined, `${scope} ${id} differs for no reason`);
          const waits = bench.barrier.tally(ownerOf(id)).withheld;
          assert.ok(waits, `${ownerOf(id)} does not wait for ${scope} ${id}`);
          assert.ok(!bench.barrier.isSettled(ownerOf(id)));
        }
        for (const row of bench.withheld.all()) assert.ok([...bench.differences()].some(([scope, id]) => scope === row.scope && id === row.id), `${row.id} is withheld for nothing`);
      }
      bench.unproven.clear();
      bench.allows = true;
      for (let turn = 0; turn < 3; turn++) {
        bench.withheld.release(() => true);
        await bench.publish();
      }
      assert.deepEqual([...bench.differences()], []);
      assert.equal(bench.withheld.size, 0);
      bench.answer();
      for (const owner of owners) assert.ok(bench.barrier.isSettled(keyOf(owner)), `${owner} waits for nothing`);
    }),
    { numRuns: 300 },
  );
});
