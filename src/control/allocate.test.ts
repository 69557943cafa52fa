import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ClaimSpec } from '../api/kinds/claim.ts';
import { refKey, type Resource } from '../api/object.ts';
import { answerTo, type Candidates, type Demand } from '../compile/demand.ts';
import { parsePrefix } from '../net/prefix.ts';
import { Allocator, claimName, type Owner } from './allocate.ts';
import { Pool } from './pool.ts';

const numbers = (from: number, to: number): Candidates => ({ type: 'numbers', from, to });
const prefix = (text: string) => {
  const found = parsePrefix(text);
  assert.ok(found.ok);
  return found.value;
};

const ownerOf = (name: string, uid = `uid-of-${name}`): ClaimSpec['owner'] => ({ kind: 'VPC', namespace: 'default', name, uid });
const demandOf = (name: string, purpose: string, over: Partial<Demand> = {}): Demand => ({
  pool: 'vni',
  purpose,
  owner: ownerOf(name),
  candidates: numbers(10, 14),
  path: '',
  ...over,
});
const keyOf = (name: string): string => refKey({ kind: 'VPC', namespace: 'default', name });

/** An allocator over owners that exist until they are removed. */
const bench = () => {
  const owners = new Map<string, Owner>();
  const allocator = new Allocator((key) => owners.get(key));
  return {
    allocator,
    demand: (name: string, ...demands: Demand[]) => {
      owners.set(keyOf(name), { uid: `uid-of-${name}`, accepted: true });
      allocator.demand(keyOf(name), demands);
    },
    remove: (name: string) => {
      owners.delete(keyOf(name));
      allocator.demand(keyOf(name), []);
      allocator.review(keyOf(name));
    },
    fault: (name: string) => {
      owners.set(keyOf(name), { uid: `uid-of-${name}`, accepted: false });
      allocator.demand(keyOf(name), []);
    },
    grant: (): string[] => allocator.decide().create.map(({ metadata }) => metadata.name),
  };
};

test('demands are met with the lowest free values in the order of their owners, whatever order they came in', () => {
  const { demand, grant } = bench();
  demand('b', demandOf('b', 'l3'));
  demand('a', demandOf('a', 'l3'), demandOf('a', 'subnet/x'));
  assert.deepEqual(grant(), ['vni-10', 'vni-11', 'vni-12']);
  assert.deepEqual(grant(), []);
});

test('an address that a mapping names is handed out only when it names it no more', () => {
  const mapped = new Set(['10.0.0.1', '10.0.0.2']);
  const allocator = new Allocator(() => ({ uid: 'uid-of-a', accepted: true }), (scope, address) => scope === 'vpc/7' && mapped.has(address));
  const candidates: Candidates = { type: 'addresses', prefix: prefix('10.0.0.0/30'), except: [] };
  const ask = (...purposes: string[]): string[] => {
    allocator.demand(keyOf('a'), purposes.map((purpose) => demandOf('a', purpose, { pool: 'host', candidates, unlessMapped: 'vpc/7' })));
    return allocator.decide().create.map(({ metadata }) => metadata.name);
  };
  assert.deepEqual(ask('one'), []);
  assert.equal(allocator.findingsOf(keyOf('a'))[0]?.code, 'PoolExhausted');
  mapped.delete('10.0.0.1');
  assert.deepEqual(ask('one'), ['host-10.0.0.1']);
  assert.deepEqual(ask('one', 'two'), []);
});

test('who found all addresses mapped is given one as soon as mappings of that scope go', () => {
  const mapped = new Set(['10.0.0.1', '10.0.0.2']);
  const allocator = new Allocator(() => ({ uid: 'uid-of-a', accepted: true }), (_, address) => mapped.has(address));
  const candidates: Candidates = { type: 'addresses', prefix: prefix('10.0.0.0/30'), except: [] };
  allocator.demand(keyOf('a'), [demandOf('a', 'host', { pool: 'host', candidates, unlessMapped: 'vpc/7' })]);
  assert.deepEqual(allocator.decide().create, []);
  mapped.clear();
  allocator.unmapped('vpc/8', ['mapping/10.0.0.1']);
  allocator.unmapped('vpc/7', ['host/10.0.0.1']);
  assert.deepEqual(allocator.decide().create, []);
  allocator.unmapped('vpc/7', ['mapping/10.0.0.1', 'mapping/10.0.0.2']);
  const { create, findings } = allocator.decide();
  assert.deepEqual(create.map(({ metadata }) => metadata.name), ['host-10.0.0.1']);
  assert.deepEqual([...findings], [[keyOf('a'), []]]);
});

test('a pinned value is kept out of the way of unpinned demands of the same batch', () => {
  const { allocator, demand } = bench();
  demand('a', demandOf('a', 'l3'));
  demand('b', demandOf('b', 'l3', { pin: '10' }));
  const held = allocator.decide().create.map(({ spec }) => spec as ClaimSpec);
  assert.deepEqual(held.map(({ owner, value }) => `${owner.name} ${value}`), ['b 10', 'a 11']);
});

test('a pin that somebody else has is a finding that does not name the holder, and is met when the value is free', () => {
  const { allocator, demand, remove } = bench();
  demand('secret', demandOf('secret', 'l3', { pin: '12' }));
  allocator.decide();
  demand('b', demandOf('b', 'l3', { pin: '12', path: 'spec.vni' }));
  const [finding] = allocator.decide().findings.get(keyOf('b')) ?? [];
  assert.equal(finding?.code, 'ValueTaken');
  assert.doesNotMatch(finding?.message ?? '', /secret/);
  remove('secret');
  assert.deepEqual(allocator.decide().quarantine, ['vni-12']);
  allocator.observe('vni-12', undefined);
  const next = allocator.decide();
  assert.deepEqual(next.create.map(({ metadata }) => metadata.name), ['vni-12']);
  assert.deepEqual(next.findings.get(keyOf('b')), []);
});

test('a quarantined value is not given to others, and comes back to its holder if that asks again', () => {
  const { allocator, demand, grant } = bench();
  demand('a', demandOf('a', 'l3'));
  assert.deepEqual(grant(), ['vni-10']);
  demand('a');
  assert.deepEqual(allocator.decide().quarantine, ['vni-10']);
  demand('b', demandOf('b', 'l3'));
  assert.deepEqual(grant(), ['vni-11']);
  demand('a', demandOf('a', 'l3'));
  const again = allocator.decide();
  assert.deepEqual([again.rebind, again.create], [['vni-10'], []]);
});

test('a claim that is being deleted does not come back to its holder', () => {
  const { allocator, demand, grant } = bench();
  demand('a', demandOf('a', 'l3'));
  grant();
  demand('a');
  allocator.decide();
  allocator.release('vni-10');
  demand('a', demandOf('a', 'l3'));
  assert.deepEqual(grant(), ['vni-11']);
});

test('an object with faults loses nothing for asking for nothing', () => {
  const { allocator, demand, fault, grant } = bench();
  demand('a', demandOf('a', 'l3'));
  grant();
  fault('a');
  assert.deepEqual(allocator.decide().quarantine, []);
});

test('claims have names that any API server takes, and different values have different ones', () => {
  const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const values = ['5001', '10.0.0.1', '10.0.0.0/31', 'fd00::', 'fd00::1', 'fd00::/64', '::', '::1', '2001:db8::1:0', '2001:db8:0:1::'];
  const names = values.map((value) => claimName('host.1289e969-50a7-4b5b-a7b4-e7ae1a17908b', value));
  for (const name of names) assert.match(name, subdomain);
  assert.equal(new Set(names).size, values.length);
});

test('a pool hands out every candidate once and then nothing, for numbers, addresses and prefixes', () => {
  const drain = (candidates: Candidates): string[] => {
    const pool = new Pool();
    const values: string[] = [];
    for (let value = pool.takeFirst(candidates); value !== undefined; value = pool.takeFirst(candidates)) values.push(value);
    return values;
  };
  assert.deepEqual(drain(numbers(7, 9)), ['7', '8', '9']);
  const except = [...drain({ type: 'addresses', prefix: prefix('10.0.0.0/30'), except: [] })];
  assert.deepEqual(except, ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(drain({ type: 'addresses', prefix: prefix('10.0.0.0/31'), except: [] }), ['10.0.0.0', '10.0.0.1']);
  assert.deepEqual(drain({ type: 'prefixes', prefix: prefix('10.0.0.0/30'), length: 31 }), ['10.0.0.0/31', '10.0.0.2/31']);
  assert.deepEqual(drain({ type: 'prefixes', prefix: prefix('10.0.0.0/30'), length: 29 }), []);
});

test('a pool gives the lowest free value, whatever was taken and given back before', () => {
  const candidates = numbers(1, 12);
  const step = fc.oneof(
    fc.constant<{ type: 'first' }>({ type: 'first' }),
    fc.record({ type: fc.constantFrom('take' as const, 'giveBack' as const), value: fc.integer({ min: 1, max: 14 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const pool = new Pool();
      const taken = new Set<string>();
      for (const next of steps) {
        if (next.type === 'first') {
          const lowest = Array.from({ length: 12 }, (_, at) => String(at + 1)).find((value) => !taken.has(value));
          assert.equal(pool.takeFirst(candidates), lowest);
          if (lowest !== undefined) taken.add(lowest);
        } else if (next.type === 'take') {
          pool.take(String(next.value));
          taken.add(String(next.value));
        } else {
          pool.giveBack(String(next.value));
          taken.delete(String(next.value));
        }
      }
    }),
  );
});

test('whatever comes, goes and is freed, no value has two holders, and every demand is met or has a finding', () => {
  const names = ['a', 'b', 'c', 'd'];
  const step = fc.record({
    type: fc.constantFrom('ask' as const, 'askTwo' as const, 'stop' as const, 'remove' as const, 'free' as const),
    name: fc.constantFrom(...names),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
      const { allocator, demand, remove } = bench();
      const store = new Map<string, Resource & { quarantined?: boolean }>();
      const wanted = new Map<string, readonly Demand[]>();
      for (const { type, name } of steps) {
        const demands = type === 'ask' ? [demandOf(name, 'l3')] : type === 'askTwo' ? [demandOf(name, 'l3'), demandOf(name, 'subnet/x')] : [];
        if (type === 'free') {
          for (const [claim, held] of store) {
            if (held.quarantined !== true) continue;
            store.delete(claim);
            allocator.observe(claim, undefined);
          }
        } else {
          wanted.set(name, demands);
          if (type === 'remove') remove(name);
          else demand(name, ...demands);
        }
        const decisions = allocator.decide();
        for (const claim of decisions.create) {
          assert.ok(!store.has(claim.metadata.name), `${claim.metadata.name} has one holder`);
          store.set(claim.metadata.name, claim);
        }
        for (const claim of decisions.quarantine) Object.assign(store.get(claim) ?? {}, { quarantined: true });
        for (const claim of decisions.rebind) Object.assign(store.get(claim) ?? {}, { quarantined: false });
      }
      for (const [name, demands] of wanted) {
        const held = [...store.values()]
          .filter(({ spec }) => (spec as ClaimSpec).owner.name === name)
          .map((claim) => ({ ...(claim.spec as ClaimSpec), quarantined: claim.quarantined === true, age: '' }));
        const unmet = demands.filter((one) => answerTo(one, held) === undefined);
        assert.equal(allocator.findingsOf(keyOf(name)).length, unmet.length);
      }
    }),
  );
});
