import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerTo, isCandidate, poolExhausted, type Candidates, type Demand, type HeldClaim } from './demand.ts';
import { addressOf, prefixOf } from './intent.ts';

const hosts: Candidates = { type: 'addresses', prefix: prefixOf('10.1.0.0/29'), except: [addressOf('10.1.0.1')] };
const owner = { kind: 'VPC', namespace: 'default', name: 'shop', uid: 'u' };
const demand: Demand = { pool: 'host.v', purpose: 'host', owner, candidates: hosts, path: 'spec.address' };
const claim = (value: string, more: Partial<HeldClaim> = {}): HeldClaim => ({
  pool: 'host.v',
  purpose: 'host',
  value,
  quarantined: false,
  age: 'b',
  ...more,
});

test('candidates are hosts without the excepted ones, numbers of a range, or subnets of one length', () => {
  const takes = (candidates: Candidates, values: string[]) => values.filter((value) => isCandidate(candidates, value));
  const addresses = ['10.1.0.0', '10.1.0.1', '10.1.0.2', '10.1.0.6', '10.1.0.7', '10.2.0.2', 'x'];
  assert.deepEqual(takes(hosts, addresses), ['10.1.0.2', '10.1.0.6']);
  assert.deepEqual(takes({ type: 'numbers', from: 5, to: 6 }, ['4', '5', '6', '7', '5.5', '']), ['5', '6']);
  const links: Candidates = { type: 'prefixes', prefix: prefixOf('10.0.0.0/30'), length: 31 };
  assert.deepEqual(takes(links, ['10.0.0.0/31', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.0/30', '10.0.0.1/31']), ['10.0.0.0/31', '10.0.0.2/31']);
});

test('a demand is answered by a claim of its pool and purpose that is not in quarantine, the oldest of several', () => {
  const others = [claim('10.1.0.2', { pool: 'host.w' }), claim('10.1.0.3', { purpose: 'x' }), claim('10.1.0.4', { quarantined: true })];
  assert.equal(answerTo(demand, others), undefined);
  assert.equal(answerTo(demand, [...others, claim('10.1.0.5'), claim('10.1.0.6', { age: 'a' })])?.value, '10.1.0.6');
});

test('a pin takes that value only, and gives it up with the pin only where the value must fit', () => {
  const pinned = { ...demand, pin: '10.9.9.9' };
  assert.equal(answerTo(pinned, [claim('10.1.0.2')]), undefined);
  assert.equal(answerTo(pinned, [claim('10.1.0.2'), claim('10.9.9.9')])?.value, '10.9.9.9');
  assert.equal(answerTo(demand, [claim('10.9.9.9')])?.value, '10.9.9.9');
  assert.equal(answerTo({ ...demand, mustFit: true }, [claim('10.9.9.9')]), undefined);
});

test('an exhausted pool is named with its range', () => {
  assert.equal(
    poolExhausted(demand).message,
    'pool "host.v" has no free value left in "10.1.0.0/29"; widen it or delete what is not needed',
  );
  const numbers = { ...demand, pool: 'vni', candidates: { type: 'numbers', from: 1, to: 9 } as const };
  assert.match(poolExhausted(numbers).message, /in "1-9"/);
});
