import assert from 'node:assert/strict';
import { it } from 'node:test';
import { coreKinds } from '../../api/core/index.ts';
import { kinds } from '../../api/kinds.ts';
import { apiVersion, type Resource } from '../../api/object.ts';
import { HeddleError } from '../../kit/error.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { createRegistry } from './registry.ts';
import { createScheme } from '../scheme.ts';

const object = (kind: string, name: string, spec: unknown, namespace?: string): Resource =>
  ({ apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) }, spec });

it('a prefix that subnets lie in is not taken from their AddressSpace, and the answer names them all', async () => {
  const store = createMemoryStore();
  const scheme = createScheme([...coreKinds, ...kinds]);
  const registry = createRegistry(store, scheme);
  try {
    const spaces = scheme.byKind('AddressSpace');
    const change = (prefixes: readonly string[]) => registry.modify(spaces, '', 'default', (current) => ({ ...current, spec: { prefixes } }));
    await registry.create(scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
    await registry.create(spaces, object('AddressSpace', 'default', { prefixes: ['10.1.0.0/16', '10.2.0.0/16', '10.3.0.0/16', 'fd00::/16'] }));
    const subnets = { front: { cidr: '10.1.1.0/24', ipv6: { cidr: 'fd00:1::/64' } }, back: { cidr: '10.2.1.0/24' } };
    await registry.create(scheme.byKind('VPC'), object('VPC', 'shop', { subnets }, 'team'));
    await assert.rejects(change(['10.1.1.0/25', '10.3.0.0/16']), (error) => {
      assert.ok(error instanceof HeddleError);
      assert.equal(error.code, 'Invalid');
      assert.deepEqual(error.findings.map(({ path, code, message }) => `${path}: ${message} (${code})`), [
        'spec.prefixes: subnet "front" of VPC "team/shop" is "10.1.1.0/24", which no prefix would hold any more; keep one or remove the subnet first (PrefixInUse)',
        'spec.prefixes: subnet "front" of VPC "team/shop" is "fd00:1::/64", which no prefix would hold any more; keep one or remove the subnet first (PrefixInUse)',
        'spec.prefixes: subnet "back" of VPC "team/shop" is "10.2.1.0/24", which no prefix would hold any more; keep one or remove the subnet first (PrefixInUse)',
      ]);
      return true;
    });
    const { spec } = await change(['10.1.0.0/16', '10.2.0.0/17', 'fd00:1::/64']);
    assert.deepEqual(spec, { prefixes: ['10.1.0.0/16', '10.2.0.0/17', 'fd00:1::/64'] });
  } finally {
    await store.close();
  }
});
