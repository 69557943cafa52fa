/** The server judges by the same check as everybody: what the error goldens say is what a user of the API is told. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { coreKinds } from '../../api/core/index.ts';
import { kinds } from '../../api/kinds.ts';
import { HeddleError, formatFinding } from '../../kit/error.ts';
import { objectOr } from '../../kit/json.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { createRegistry } from './registry.ts';
import { createScheme } from '../scheme.ts';
import { statusOf } from '../status.ts';

const folder = join(import.meta.dirname, '../../../testdata/errors');

const caught = async (action: Promise<unknown>): Promise<HeddleError> => {
  const error: unknown = await action.then(() => undefined, (thrown: unknown) => thrown);
  assert.ok(error instanceof HeddleError);
  return error;
};

describe('a wrong object', () => {
  const scheme = createScheme([...coreKinds, ...kinds]);
  const refusal = async (object: unknown, fieldValidation: 'Strict' | 'Ignore'): Promise<HeddleError> => {
    const store = createMemoryStore();
    try {
      const registry = createRegistry(store, scheme);
      await registry.create(scheme.byKind('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
      const served = scheme.byKind(String(objectOr(object)['kind']));
      const metadata = { ...objectOr(objectOr(object)['metadata']), ...(served.namespaced ? { namespace: 'default' } : {}) };
      return await caught(registry.create(served, { ...objectOr(object), metadata }, { fieldValidation }));
    } finally {
      await store.close();
    }
  };

  for (const file of readdirSync(folder).toSorted()) {
    it(`is refused as ${file} says`, async () => {
      const [object, expected] = parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document): unknown => document.toJS());
      assert.ok(Array.isArray(expected));
      const lines = expected.map(String);
      const unknown = lines.filter((line) => line.endsWith('(UnknownField)'));
      const others = lines.filter((line) => !unknown.includes(line));
      if (unknown.length > 0) {
        const { code, message } = await refusal(object, 'Strict');
        assert.equal(code, 'BadRequest');
        for (const line of unknown) assert.ok(message.includes(`unknown field "${line.slice(0, line.indexOf(': '))}"`), message);
      }
      if (others.length === 0) return;
      const { findings } = await refusal(object, 'Ignore');
      assert.deepEqual(findings.map((finding) => `${formatFinding(finding)} (${finding.code})`), others);
    });
  }

  it('has causes that Kubernetes clients know', async () => {
    const error = await refusal({ apiVersion: 'heddle.dev/v1alpha1', kind: 'VPC', metadata: { name: 'a' }, spec: { mode: 'l4' } }, 'Strict');
    const causes = objectOr(statusOf(error)['details'])['causes'];
    assert.deepEqual(causes, [
      { reason: 'FieldValueRequired', message: 'is required: subnets by name; 1 to 64', field: 'spec.subnets' },
      { reason: 'FieldValueNotSupported', message: 'must be one of "l2", "l3", not "l4"', field: 'spec.mode' },
    ]);
  });
});
