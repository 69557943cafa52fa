import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { checkObject, objectSchema } from './check.ts';
import { memberPath } from './findings.ts';
import { kinds, kindByName } from './kinds.ts';
import { apiVersion } from './object.ts';
import { editDistance, nearest } from './spelling.ts';

const check = (kindName: string, members: object): string[] => {
  const kind = kindByName(kindName);
  assert.ok(kind);
  const object = { apiVersion, kind: kindName, metadata: { name: 'a' }, ...members };
  return checkObject(kind, object).map((finding) => `${finding.path} ${finding.code}`);
};

describe('checkObject', () => {
  test('no value whatever makes it throw, and only an object of the kind passes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.anything({ withNullPrototype: true }), (kind, value) => {
        assert.notDeepEqual(checkObject(kind, value), []);
        const object = { apiVersion, kind: kind.kind, metadata: { name: 'a' }, spec: value };
        assert.ok(Array.isArray(checkObject(kind, object)));
        assert.ok(typeof kind.defaults(object) === 'object');
      }),
      { numRuns: 300 },
    );
  });

  test('an unknown field does not keep the rules from running', () => {
    assert.deepEqual(check('Switch', { spec: { role: 'spine', vtep: '10.0.0.1', rack: 7 } }), [
      'spec.rack UnknownField',
      'spec.vtep NotAllowed',
    ]);
  });

  test('a fault of structure keeps the rules from what it is about, and from nothing else', () => {
    assert.deepEqual(check('Switch', { spec: { role: 'spine', vtep: 1 } }), ['spec.vtep WrongType']);
    assert.deepEqual(check('Switch', { spec: { role: 'spine', vtep: '10.0.0.1', description: 7 } }), ['spec.description WrongType', 'spec.vtep NotAllowed']);
    const subnets = { a: { cidr: 5 }, b: { cidr: '10.0.0.1/24', dhcp: { dnsServers: ['x', 7] } }, c: { cidr: '10.0.2.0/31' } };
    assert.deepEqual(check('VPC', { spec: { mode: 'l4', subnets } }), [
      'spec.mode NotAllowed',
      'spec.subnets.a.cidr WrongType',
      'spec.subnets.b.dhcp.dnsServers[1] WrongType',
      'spec.subnets.b.cidr HostBitsSet',
      'spec.subnets.c.cidr PrefixLength',
    ]);
    assert.deepEqual(check('VPC', { spec: { subnets: { a: {} } } }), ['spec.subnets.a.cidr MissingField']);
    assert.deepEqual(check('VPC', { spec: [] }), ['spec WrongType']);
  });

  test('more than eight faults are all told', () => {
    const subnets = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`s${n}`, { cidr: n }]));
    assert.equal(check('VPC', { spec: { subnets } }).length, 30);
  });

  test('apiVersion, kind and metadata are checked like the rest', () => {
    const kind = kindByName('VPC');
    assert.ok(kind);
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 1 }, nme: 'x' }, spec: {} };
    const found = checkObject(kind, object).map((finding) => `${finding.path} ${finding.code}`);
    assert.deepEqual(found.toSorted(), [
      'apiVersion NotAllowed',
      'kind NotAllowed',
      'metadata.labels.a WrongType',
      'metadata.nme UnknownField',
      'spec.subnets MissingField',
    ]);
  });

  test('what generators and the server write passes', () => {
    const metadata = { name: 'a', creationTimestamp: null, generation: 2, uid: 'x', managedFields: [{}], finalizers: ['a/b'] };
    assert.deepEqual(check('Switch', { metadata, spec: { role: 'leaf' }, status: { conditions: [] } }), []);
    assert.deepEqual(check('Switch', { metadata: { generateName: 'a-' }, spec: { role: 'leaf' } }), []);
    assert.deepEqual(check('Switch', { metadata: {}, spec: { role: 'leaf' } }), ['metadata.name MissingField']);
  });

  test('status is checked too', () => {
    assert.deepEqual(check('Switch', { spec: { role: 'leaf' }, status: { asn: 'x' } }), ['status.asn WrongType']);
  });

  test('a name with a line break does not hide its value', () => {
    assert.deepEqual(check('VPC', { spec: { subnets: { 'a\nb': 5 } } }), ['spec.subnets["a\\nb"] WrongType']);
    const named = check('Server', { spec: { ports: { 'a\nb': {} } } });
    assert.deepEqual(named, ['spec.ports["a\\nb"] InvalidName']);
  });

  test('null where none is allowed counts as left out, as generators write it', () => {
    assert.deepEqual(check('Switch', { spec: { role: 'leaf', vtep: null } }), []);
    assert.deepEqual(check('Switch', { spec: { role: null } }), ['spec.role MissingField']);
  });

  test('a value that fits no branch of a choice is told what would', () => {
    const kind = kindByName('VPC');
    assert.ok(kind);
    const subnets = { front: { cidr: '10.1.0.0/24' } };
    const object = { apiVersion, kind: 'VPC', metadata: { name: 'a', creationTimestamp: 5 }, spec: { subnets } };
    const [finding] = checkObject(kind, object);
    assert.equal(finding?.message, 'must be date-time or null, not 5');
  });

  test('the schema of a kind is built once', () => {
    for (const kind of kinds) assert.equal(objectSchema(kind), objectSchema(kind));
  });
});

test('paths quote what dots would tear apart', () => {
  assert.equal(memberPath('spec.subnets', 'front'), 'spec.subnets.front');
  assert.equal(memberPath('spec.ports', 'E1/1'), 'spec.ports["E1/1"]');
  assert.equal(memberPath('spec.links', 3), 'spec.links[3]');
  assert.equal(memberPath('', 'spec'), 'spec');
});

describe('spelling', () => {
  test('the distance counts single slips, swaps among them', () => {
    const table = [
      ['gateway', 'gateway', 0],
      ['gatway', 'gateway', 1],
      ['gatewya', 'gateway', 1],
      ['', 'abc', 3],
      ['kitten', 'sitting', 3],
    ] as const;
    for (const [a, b, distance] of table) assert.equal(editDistance(a, b), distance, `${a} ${b}`);
  });

  test('the distance is symmetric and zero only for equal words', () => {
    const word = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', 'c') });
    fc.assert(
      fc.property(word, word, (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
      }),
    );
  });

  test('a word that is like nothing known gets no suggestion', () => {
    assert.equal(nearest('vlan', ['cidr', 'gateway', 'dhcp']), undefined);
    assert.equal(nearest('addressspace', ['addressSpace', 'mode']), 'addressSpace');
    assert.equal(nearest('x'.repeat(10_000), ['x']), undefined);
  });
});
