/** A diagram as a graph of Graphviz (graphviz.org, the DOT language), a rank a tier. */
import { tiers, type Diagram } from './diagram.ts';

export const dotOf = ({ devices, cables }: Diagram): string => {
  const ranks = tiers.flatMap((tier) => {
    const own = devices.filter((device) => device.tier === tier);
    if (own.length === 0) return [];
    const nodes = own.map(({ name, group }) => `    ${quoted(name)} [label=${quoted(group === undefined ? name : `${name}\ngroup ${group}`)}, shape=${tier === 'server' ? 'ellipse' : 'box'}];`);
    return ['  {', '    rank=same;', ...nodes, '  }'];
  });
  const edges = cables.map(({ ends: [left, right] }) =>
    `  ${quoted(left.device)} -- ${quoted(right.device)} [taillabel=${quoted(left.port)}, headlabel=${quoted(right.port)}];`);
  return `graph wiring {\n  graph [ranksep=1.2, nodesep=0.6];\n${[...ranks, ...edges].join('\n')}\n}\n`;
};

const quoted = (text: string): string => JSON.stringify(text);
