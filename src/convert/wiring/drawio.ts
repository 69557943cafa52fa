/** A diagram as a file of draw.io (an mxGraphModel in XML): devices on tiers, cables with their ports at the ends. */
import { tiers, type Device, type Diagram, type DrawnCable } from './diagram.ts';

/** Pixels. */
const box = { width: 120, height: 48, across: 160, down: 160 };

const colours = { external: '#f5f5f5', spine: '#dae8fc', gateway: '#ffe6cc', border: '#e1d5e7', leaf: '#d5e8d4', server: '#fff2cc' } as const;

export const drawioOf = ({ devices, cables }: Diagram): string => {
  const ids = new Map(devices.map(({ name }, index) => [name, `d${index}`]));
  const used = tiers.filter((tier) => devices.some((device) => device.tier === tier));
  const widest = Math.max(1, ...used.map((tier) => devices.filter((device) => device.tier === tier).length));
  const nodes = used.flatMap((tier, row) => {
    const own = devices.filter((device) => device.tier === tier);
    const left = ((widest - own.length) * box.across) / 2;
    return own.map((device, index) => nodeOf(device, ids.get(device.name) ?? '', left + index * box.across, row * box.down));
  });
  const edges = cables.flatMap((cable, index) => edgeOf(cable, `c${index}`, ids));
  const cells = ['<mxCell id="0"/>', '<mxCell id="1" parent="0"/>', ...nodes, ...edges].map((cell) => `        ${cell}\n`).join('');
  return `<mxfile host="heddle">\n  <diagram id="wiring" name="wiring">\n    <mxGraphModel grid="1" gridSize="10" page="0">\n      <root>\n${cells}      </root>\n    </mxGraphModel>\n  </diagram>\n</mxfile>\n`;
};

const nodeOf = ({ name, tier, group }: Device, id: string, x: number, y: number): string => {
  const label = group === undefined ? name : `${name}\ngroup ${group}`;
  return `<mxCell id="${id}" value="${escaped(label)}" style="rounded=${tier === 'server' ? 1 : 0};whiteSpace=wrap;fillColor=${colours[tier]};" vertex="1" parent="1"><mxGeometry x="${x}" y="${y}" width="${box.width}" height="${box.height}" as="geometry"/></mxCell>`;
};

/** The cable, and a label of the port at each end of it. */
const edgeOf = ({ ends: [left, right] }: DrawnCable, id: string, ids: ReadonlyMap<string, string>): string[] => [
  `<mxCell id="${id}" style="endArrow=none;" edge="1" parent="1" source="${ids.get(left.device) ?? ''}" target="${ids.get(right.device) ?? ''}"><mxGeometry relative="1" as="geometry"/></mxCell>`,
  ...[{ port: left.port, at: -0.8 }, { port: right.port, at: 0.8 }].map(({ port, at }, end) =>
    `<mxCell id="${id}-${end}" value="${escaped(port)}" style="edgeLabel;resizable=0;fontSize=9;" vertex="1" connectable="0" parent="${id}"><mxGeometry x="${at}" relative="1" as="geometry"/></mxCell>`),
];

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll('\n', '&#10;');
