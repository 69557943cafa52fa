/** A diagram as a Mermaid flowchart (mermaid.js.org): what Git hosts draw inside Markdown. */
import { tiers, type Diagram } from './diagram.ts';

const shapes = { external: ['([', '])'], spine: ['[', ']'], gateway: ['[[', ']]'], border: ['[', ']'], leaf: ['[', ']'], server: ['(', ')'] } as const;

export const mermaidOf = ({ devices, cables }: Diagram): string => {
  const ids = new Map(devices.map(({ name }, index) => [name, `d${index}`]));
  const lines = tiers.flatMap((tier) => {
    const own = devices.filter((device) => device.tier === tier);
    if (own.length === 0) return [];
    const [open, close] = shapes[tier];
    const nodes = own.map(({ name, group }) => `    ${ids.get(name)}${open}"${name}${group === undefined ? '' : `<br>group ${group}`}"${close}`);
    return [`  subgraph ${tier}`, ...nodes, '  end'];
  });
  const links = cables.map(({ ends: [left, right] }) => `  ${ids.get(left.device)} ---|"${left.port} - ${right.port}"| ${ids.get(right.device)}`);
  return `flowchart TB\n${[...lines, ...links].join('\n')}\n`;
};
