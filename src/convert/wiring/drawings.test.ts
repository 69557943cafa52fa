import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { make } from '../make.ts';
import { diagramOf } from './diagram.ts';
import { dotOf } from './dot.ts';
import { drawioOf } from './drawio.ts';
import { mermaidOf } from './mermaid.ts';

const diagram = diagramOf([
  make('Connection', 'b', { links: [{ ends: ['leaf-1/E1/1', 'a<1>/eth0'] }] }),
  make('Connection', 'a', { links: [{ ends: ['spine-1/E1/1', 'leaf-1/E1/49'] }, { ends: ['spine-1/E1/2', 'leaf-1/E1/50'] }] }),
  make('Connection', 'c', { links: [{ ends: ['spine-1/E1/1', 'leaf-1/E1/48'] }] }),
  make('Switch', 'leaf-1', { role: 'leaf', group: 'pair' }),
  make('Switch', 'spine-1', { role: 'spine' }),
  make('External', 'isp', {}),
  make('VPC', 'x', {}),
]);

describe('wiring as a drawing', () => {
  it('has its devices on tiers, and a cable for each link whose ends are ports', () => {
    assert.deepEqual(diagram.devices, [
      { name: 'isp', tier: 'external' },
      { name: 'spine-1', tier: 'spine' },
      { name: 'leaf-1', tier: 'leaf', group: 'pair' },
    ]);
    assert.deepEqual(diagram.cables.map(({ connection, ends }) => `${connection} ${ends.map(({ port }) => port).join(' ')}`), ['a E1/1 E1/49', 'a E1/2 E1/50', 'c E1/1 E1/48']);
  });

  it('is a flowchart of Mermaid', () =>
    assert.equal(
      mermaidOf(diagram),
      [
        'flowchart TB', '  subgraph external', '    d0(["isp"])', '  end', '  subgraph spine', '    d1["spine-1"]', '  end', '  subgraph leaf',
        '    d2["leaf-1<br>group pair"]', '  end', '  d1 ---|"E1/1 - E1/49"| d2', '  d1 ---|"E1/2 - E1/50"| d2', '  d1 ---|"E1/1 - E1/48"| d2', '',
      ].join('\n'),
    ));

  it('is a graph of Graphviz, names quoted', () => {
    const text = dotOf(diagram);
    assert.match(text, /^graph wiring \{/);
    assert.match(text, /"leaf-1" \[label="leaf-1\\ngroup pair", shape=box\];/);
    assert.match(text, /"spine-1" -- "leaf-1" \[taillabel="E1\/1", headlabel="E1\/49"\];/);
  });

  it('is a file of draw.io: every cell once, ends that exist, text escaped', () => {
    const text = drawioOf(diagramOf([make('Switch', 'l', { role: 'leaf', group: 'a&b<c>"d"' }), make('Server', 's', { ports: {} }), make('Connection', 'c', { links: [{ ends: ['l/E1/1', 's/eth0'] }] })]));
    assert.ok(text.includes('value="l&#10;group a&amp;b&lt;c&gt;&quot;d&quot;"'));
    const ids = [...text.matchAll(/<mxCell id="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, id] of text.matchAll(/(?:source|target|parent)="([^"]+)"/g)) assert.ok(ids.includes(id), id);
  });
});
