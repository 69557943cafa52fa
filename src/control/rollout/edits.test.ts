import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { apiVersion, type Resource } from '../../api/object.ts';
import { Edits } from './edits.ts';

const object = (kind: string, generation: number, spec: object, metadata: object = {}): Resource => ({
  apiVersion, kind, metadata: { name: 'x', uid: 'u', generation, ...metadata }, spec,
});
const fabric = (generation: number): Resource => object('Fabric', generation, { underlay: { mtu: generation } });
const operators = () => ({ tenants: false });

describe('edits that are rolled out', () => {
  test('a new spec of what operators declare is one; a new object, a label and a deletion are none', () => {
    const edits = new Edits();
    edits.take('a', undefined, fabric(1), operators);
    edits.take('b', fabric(1), object('Fabric', 1, {}, { labels: { a: 'b' } }), operators);
    edits.take('c', fabric(1), object('Fabric', 2, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), operators);
    edits.take('d', fabric(1), object('Fabric', 2, {}, { uid: 'another' }), operators);
    assert.equal(edits.fresh.size, 0);
    assert.deepEqual(edits.take('e', fabric(1), fabric(2), operators), fabric(2));
    assert.partialDeepStrictEqual(edits.fresh.get('e'), { generation: 2, before: { underlay: { mtu: 1 } }, after: { underlay: { mtu: 2 } } });
  });

  test("tenants' changes are only where all is rolled out, claims never, and nothing is where no fabric wants it", () => {
    const edits = new Edits();
    const takes = (kind: string, under: () => { readonly tenants: boolean } | undefined): boolean => {
      edits.settle();
      edits.take('k', object(kind, 1, { a: 1 }), object(kind, 2, { a: 2 }), under);
      return edits.fresh.size > 0;
    };
    assert.deepEqual(['VPC', 'Switch', 'Claim'].map((kind) => takes(kind, operators)), [false, true, false]);
    assert.deepEqual(['VPC', 'Switch', 'Claim'].map((kind) => takes(kind, () => ({ tenants: true }))), [true, true, false]);
    assert.equal(takes('Switch', () => undefined), false);
  });

  test('what went back is compiled as it was, with the metadata it has now, until what is rolled out of its spec changes again', () => {
    const edits = new Edits();
    const before = { underlay: { mtu: 1 }, rollout: { wavePercent: 10 } };
    edits.revert('k', { edit: { ref: { kind: 'Fabric', namespace: '', name: 'x' }, generation: 2, before, after: fabric(2).spec }, why: 'it failed' });
    const guarded = { ...fabric(3), spec: { underlay: { mtu: 2 }, rollout: { paused: true } } };
    const taken = edits.take('k', fabric(2), guarded, operators);
    assert.deepEqual(taken, { ...guarded, spec: { underlay: { mtu: 1 }, rollout: { paused: true } } });
    assert.equal(edits.fresh.size, 0, 'how it is rolled out is nothing that is rolled out');
    assert.deepEqual(edits.take('k', guarded, fabric(4), operators), fabric(4));
    assert.equal(edits.reverted('k'), undefined);
    assert.deepEqual(edits.fresh.get('k')?.before, before, 'devices run what was so before the change that went back');
  });

  test('a change on top of one that is under way goes back to what was so before both', () => {
    const edits = new Edits();
    const running = { ref: { kind: 'Fabric', namespace: '', name: 'x' }, generation: 2, before: 'first', after: 'second' };
    edits.take('k', fabric(2), fabric(3), operators, running);
    edits.take('k', fabric(3), fabric(4), operators);
    assert.partialDeepStrictEqual(edits.fresh.get('k'), { generation: 4, before: 'first' });
  });
});
