import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSource, readSources } from './source.ts';

const text = `# a comment
apiVersion: heddle.dev/v1alpha1
kind: Connection
metadata:
  name: web-1--leaf-1
  labels: { heddle.dev/rack: r1 }
spec:
  links:
    - ends: [web-1/eth1, leaf-1/E1/1]
    - ends:
        - web-1/eth2
        - leaf-1/E1/2
  ports:
    "E1/1": { mtu: 9000 }
---
---
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Namespace, metadata: { name: red } }
`;

test('every object of a file is found, empty documents are none, lists are taken apart', () => {
  const { sources, faults } = parseSource('wiring.yaml', text);
  assert.deepEqual(faults, []);
  assert.deepEqual(sources.map(({ object }) => `${object.kind}/${object.metadata.name}`), ['Connection/web-1--leaf-1', 'Namespace/red']);
});

test('a field is located by its key, in lists by its item, with dots or quotes in its name, or by its nearest ancestor', () => {
  const [connection, namespace] = parseSource('w', text).sources;
  const places = (paths: string[]): (string | undefined)[] => paths.map((path) => connection?.locate(path));
  assert.deepEqual(
    places(['spec', 'spec.links[1].ends[1]', 'metadata.labels.heddle.dev/rack', 'spec.ports["E1/1"].mtu', 'spec.mtu', 'spec.links[7]', '']),
    ['w:7:1', 'w:12:11', 'w:6:13', 'w:14:15', 'w:7:1', 'w:8:3', 'w:2:1'],
  );
  assert.equal(namespace?.locate('metadata.name'), 'w:20:52');
});

test('malformed YAML is a fault with its place, and does not hide the faults of other documents', () => {
  const { sources, faults } = parseSource('bad.yaml', 'kind: VPC\n---\na: b: c\n---\n- 1\n---\napiVersion: v1\nkind: K\nmetadata: {name: 12}\n');
  assert.deepEqual(sources, []);
  assert.deepEqual(
    faults.map(({ place, finding }) => `${place} ${finding.path} ${finding.message}`),
    [
      'bad.yaml:1:1 apiVersion is required',
      'bad.yaml:1:1 metadata is required',
      'bad.yaml:3:4  nested mappings are not allowed in compact mappings',
      'bad.yaml:5:1  a document must be an object with apiVersion, kind and metadata',
      'bad.yaml:9:12 metadata.name 12 is not text: put it in quotes',
    ],
  );
});

test('a key that stands twice is a fault: the second would silently win', () => {
  const { faults } = parseSource('twice.yaml', 'apiVersion: v1\nkind: A\nkind: B\nmetadata: {name: x}\n');
  assert.deepEqual(faults.map(({ place, finding }) => `${place} ${finding.message}`), ['twice.yaml:3:1 map keys must be unique']);
});

test('a folder is read by name, its YAML and JSON files only, and - is standard input', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-source-'));
  try {
    const named = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    writeFileSync(join(folder, 'b.json'), named('second'));
    writeFileSync(join(folder, 'a.yaml'), named('first'));
    writeFileSync(join(folder, 'README.md'), 'not: [an object');
    mkdirSync(join(folder, 'deeper'));
    const { sources } = await readSources([folder, '-'], async () => named('third'));
    assert.deepEqual(sources.map(({ object }) => object.metadata.name), ['first', 'second', 'third']);
    await assert.rejects(readSources([join(folder, 'none.yaml')], async () => ''), /no such file or folder/);
    await assert.rejects(readSources(['-'], async () => '# nothing\n'), /no object found in -/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
