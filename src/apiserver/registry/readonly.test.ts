import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '../../api/kinds.ts';
import { createInProcessClient } from './client.ts';
import { withServer } from '../testing.ts';

const path = '/apis/heddle.dev/v1alpha1/namespaces/default/dhcpleases';
const lease = {
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'DHCPLease',
  metadata: { name: 'red.front.10-1-0-9', namespace: 'default' },
  spec: { vpc: 'red', subnet: 'front', address: '10.1.0.9', mac: '02:00:00:00:00:09', switch: 'leaf-1', type: 'Dynamic' },
};

test('what only the controller writes can be read by clients, and changed by none', () =>
  withServer(
    async ({ server, call }) => {
      const json = { 'content-type': 'application/json' };
      const created = await call('POST', path, { body: lease, headers: json });
      assert.equal(created.status, 403);
      assert.match(String(created.json['message']), /only the controller writes it, from what devices tell/);
      await createInProcessClient(server.registry).create(lease);
      assert.equal((await call('GET', `${path}/${lease.metadata.name}`)).status, 200);
      const merge = { 'content-type': 'application/merge-patch+json' };
      const attempts = [
        call('PUT', `${path}/${lease.metadata.name}`, { body: lease, headers: json }),
        call('PATCH', `${path}/${lease.metadata.name}`, { body: { spec: { mac: '02:00:00:00:00:08' } }, headers: merge }),
        call('DELETE', `${path}/${lease.metadata.name}`),
        call('DELETE', path),
      ];
      assert.deepEqual((await Promise.all(attempts)).map(({ status }) => status), [403, 403, 403, 403]);
      assert.equal((await call('GET', path)).status, 200);
    },
    { kinds },
  ));
