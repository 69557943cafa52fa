import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileJsonPath } from './jsonpath.ts';

const object = {
  metadata: { name: 'web', labels: { 'heddle.dev/rack': 'r1' } },
  spec: { subnets: { front: { cidr: '10.0.1.0/24' }, back: { cidr: '10.0.2.0/24' } }, ports: ['a', 'b', 'c'] },
  status: { conditions: [{ type: 'Accepted', status: 'True' }, { type: 'Programmed', status: 'False', count: 3 }] },
};

const cases: [path: string, values: unknown[]][] = [
  ['.metadata.name', ['web']],
  ['{.metadata.name}', ['web']],
  ['$.metadata.name', ['web']],
  ['.metadata.missing.deep', []],
  ['.metadata.constructor', []],
  ['.metadata.labels.heddle\\.dev/rack', ['r1']],
  [".metadata.labels['heddle.dev/rack']", ['r1']],
  ['.spec.subnets.*.cidr', ['10.0.1.0/24', '10.0.2.0/24']],
  ['.spec.ports[1]', ['b']],
  ['.spec.ports[-1]', ['c']],
  ['.spec.ports[*]', ['a', 'b', 'c']],
  ['.status.conditions[?(@.type=="Programmed")].status', ['False']],
  [".status.conditions[?(@.type != 'Programmed')].status", ['True']],
  ['.status.conditions[?(@.count==3)].type', ['Programmed']],
];

describe('JSONPath of columns and field selectors', () => {
  for (const [path, values] of cases) {
    it(`${path} finds ${JSON.stringify(values)}`, () => assert.deepEqual(compileJsonPath(path)(object), values));
  }

  it('refuses what kubectl could not have meant', () => {
    assert.throws(() => compileJsonPath('.a[?(@.b>1)]'), /not understood from "\[\?/);
    assert.throws(() => compileJsonPath('name'), /not understood/);
  });
});
