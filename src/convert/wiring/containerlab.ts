/**
 * A diagram as a topology of containerlab: every device a Linux container, its role in a label, by which `heddle import
 * containerlab` makes the same wiring of it again.
 */
import type { Diagram, DrawnEnd, Tier } from './diagram.ts';

const image = 'debian:12';

export interface ContainerlabTopology {
  readonly name: string;
  readonly topology: {
    readonly nodes: Readonly<Record<string, object>>;
    readonly links: readonly { readonly endpoints: readonly string[] }[];
  };
}

export const containerlabOf = ({ devices, cables }: Diagram, name: string): ContainerlabTopology => {
  const tierOf = new Map(devices.map((device) => [device.name, device.tier]));
  const nodes = devices.map((device): [string, object] => {
    const labels = { 'heddle.dev/role': device.tier, ...(device.group === undefined ? {} : { 'heddle.dev/group': device.group }) };
    return [device.name, { kind: 'linux', image, labels }];
  });
  const links = cables.map(({ ends }) => ({ endpoints: ends.map((end) => endpointOf(end, tierOf.get(end.device) ?? 'server')) }));
  return { name, topology: { nodes: Object.fromEntries(nodes), links } };
};

/** Linux has no slashes in names of interfaces: `E1/49` is `e1-49`. */
const endpointOf = ({ device, port }: DrawnEnd, tier: Tier): string =>
  `${device}:${tier === 'server' || tier === 'external' ? port : port.toLowerCase().replaceAll('/', '-')}`;
