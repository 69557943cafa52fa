/** What is rehearsed changes nothing, and is what really happens then. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { kinds } from '../../api/kinds.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../../api/object.ts';
import { attachment, object, peering, smallFabric, vpc } from '../../compile/fixture.ts';
import type { ObjectChange } from '../../compile/engine.ts';
import { GoalState } from '../../goal/state.ts';
import { HeddleError } from '../../kit/error.ts';
import { until } from '../../kit/testing.ts';
import { buildHouse, createAll, digests, fresh, type House } from '../testing.ts';
import { Outlook } from './outlook.ts';
import type { Rehearsed } from './rehearsal.ts';

/** Each may be there or not, in one of several shapes. */
const shapes: readonly (readonly Resource[])[] = [
  [vpc('red', { front: '10.1.0.0/24' }), vpc('red', { front: '10.1.0.0/24', back: '10.1.1.0/24' }), vpc('red', { front: '10.1.2.0/24' })],
  [vpc('blue', { front: '10.2.0.0/24' }), vpc('blue', { front: '10.1.0.0/24' }, { defaultIsolated: true })],
  [attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' }), attachment('a1', { vpc: 'blue', subnet: 'front', connection: 'a1--leaf-1' })],
  [attachment('a2', { vpc: 'red', subnet: 'front', connection: 'a2--leaf-2' }), attachment('a2', { vpc: 'red', subnet: 'back', connection: 'a2--leaf-2' })],
  [attachment('b1', { vpc: 'blue', subnet: 'front', connection: 'b1--leaf-1', vlan: 7 }), attachment('b1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' })],
  [attachment('b2', { vpc: 'blue', subnet: 'front', connection: 'b2--leaf-2' })],
  [peering('both', [[{ vpc: 'red' }, { vpc: 'blue' }]]), peering('both', [[{ vpc: 'red', subnets: ['back'] }, { vpc: 'blue' }]])],
];

/** Which shape each object has; -1: it is not there. */
type Intent = readonly number[];
const intents: fc.Arbitrary<Intent> = fc.tuple(...shapes.map(({ length }) => fc.integer({ min: -1, max: length - 1 })));

const shapeOf = (intent: Intent, at: number): Resource | undefined => shapes[at]?.[intent[at] ?? -1];

describe('a rehearsal', () => {
  let house: House;

  before(async () => {
    house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
    await createAll(house.client, smallFabric());
  });
  after(() => house.stop());

  const current = async (): Promise<ReadonlyMap<string, Resource>> => {
    const lists = await Promise.all(['VPC', 'VPCAttachment', 'VPCPeering'].map((kind) => house.client.list(kind)));
    return new Map(lists.flatMap(({ items }) => items).map((item) => [refKey(refOf(item)), item]));
  };

  /** What makes the objects say what is meant. */
  const changesTo = async (intent: Intent): Promise<ObjectChange[]> => {
    const known = await current();
    return shapes.flatMap(([any], at): ObjectChange[] => {
      if (any === undefined) return [];
      const ref = refOf(any);
      const [now, wanted] = [known.get(refKey(ref)), shapeOf(intent, at)];
      if (wanted === undefined) return now === undefined ? [] : [{ ref, object: undefined }];
      const base = now ?? fresh(wanted);
      const object: Resource = { ...base, spec: wanted.spec };
      return [{ ref, object: kinds.find(({ kind }) => kind === object.kind)?.defaults(object) ?? object }];
    });
  };

  /** Statuses are written all the time. */
  const replace = async (ref: ObjectRef, spec: unknown): Promise<boolean> => {
    try {
      await house.client.update({ ...(await house.client.get(ref)), spec });
      return true;
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
      return false;
    }
  };

  const carryOut = async (changes: readonly ObjectChange[]): Promise<void> => {
    for (const { ref, object } of changes) {
      if (object === undefined) await house.client.delete(ref);
      else if (object.metadata.resourceVersion === undefined) await house.client.create(fresh(object));
      else await until('nobody else writes it', async () => replace(ref, object.spec));
    }
  };

  /** All that a rehearsal could leave behind. */
  const everything = (): unknown => {
    const { compiler } = house.controller;
    const refs = [...smallFabric().map(refOf), ...shapes.flatMap(([any]) => (any === undefined ? [] : [refOf(any)]))];
    return {
      goal: digests(house.goal),
      rows: Object.fromEntries(compiler.scopes().sort().map((scope) => [scope, compiler.rows(scope)])),
      said: refs.map((ref) => [refKey(ref), compiler.findingsOf(ref), compiler.demandsOf(ref), compiler.objectOf(ref)]),
    };
  };

  const foreseen = ({ changes }: Rehearsed): unknown => {
    const goal = new GoalState();
    const outlook = new Outlook(house.goal, changes);
    goal.commit([...outlook.scopes()].map((scope) => ({ scope, upserts: [...outlook.scope(scope).rows.values()], deletes: [] })));
    return digests(goal);
  };

  const settled = async (): Promise<void> => {
    await until('nothing is left to say', async () => (await house.controller.rehearse([])).rows.length === 0);
    await until('claims are given back', async () => (await house.client.list('Claim')).items.every(({ status }) => (status as { phase?: string } | undefined)?.phase !== 'Quarantined'));
  };

  /** Rehearsed twice, with nothing left behind. */
  const tried = async (changes: readonly ObjectChange[]): Promise<Rehearsed> => {
    const [former, claims] = [everything(), (await house.client.list('Claim')).items];
    const rehearsed = await house.controller.rehearse(changes);
    assert.deepEqual(everything(), former);
    assert.deepEqual((await house.client.list('Claim')).items, claims, 'nothing is written');
    assert.deepEqual((await house.controller.rehearse(changes)).rows, rehearsed.rows, 'the same again');
    return rehearsed;
  };

  /** Rows of each table by kind of scope: what there is but for ids, which several objects take in the order in which they come. */
  const outline = (goal: Pick<GoalState, 'scope' | 'scopes'>): unknown => {
    const counts = new Map<string, number>();
    for (const scope of goal.scopes()) {
      for (const { table } of goal.scope(scope).rows.values()) {
        const what = `${scope.startsWith('device/') ? scope : 'shared'} ${table}`;
        counts.set(what, (counts.get(what) ?? 0) + 1);
      }
    }
    return [...counts].sort();
  };

  it('leaves everything as it is, and is what happens then', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(intents, { minLength: 1, maxLength: 3 }), async (steps) => {
        for (const step of steps) {
          const all = await changesTo(step);
          await settled();
          const expected = outline(new Outlook(house.goal, (await tried(all)).changes));
          for (const change of all) {
            await settled();
            const alone = foreseen(await tried([change]));
            await carryOut([change]);
            await until('it is so', () => JSON.stringify(digests(house.goal)) === JSON.stringify(alone)).catch(() => assert.deepEqual(digests(house.goal), alone));
          }
          await settled();
          assert.deepEqual(outline(house.goal), expected);
        }
      }),
      { numRuns: 8 },
    );
  });

  it('says what is wrong with objects, and what the change does to others', async () => {
    const changes = await changesTo([0, 0, 0, -1, -1, -1, -1]);
    await carryOut(changes);
    await settled();
    const wrong = attachment('c1', { vpc: 'nowhere', subnet: 'front', connection: 'a1--leaf-1' });
    const gone = object('Connection', 'a1--leaf-1', {});
    const { findings } = await house.controller.rehearse([{ ref: refOf(wrong), object: wrong }, { ref: refOf(gone), object: undefined }]);
    const codes = new Map(findings.map(({ key, fresh: news }) => [key, news.map(({ code }) => code)]));
    assert.equal(codes.get('VPCAttachment/default/c1')?.length, 2);
    assert.equal(codes.get('VPCAttachment/default/a1')?.length, 1);
  });
});
