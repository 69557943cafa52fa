/** Wiring as a drawing knows it: devices on tiers and the cables between their ports. */
import type { ConnectionSpec } from '../../api/kinds/connection.ts';
import type { SwitchSpec } from '../../api/kinds/switch.ts';
import { parsePortRef } from '../../api/port.ts';
import type { Resource } from '../../api/object.ts';
import { byText } from '../../kit/order.ts';

/** From top to bottom. */
export const tiers = ['external', 'spine', 'gateway', 'border', 'leaf', 'server'] as const;
export type Tier = (typeof tiers)[number];

export interface Device {
  readonly name: string;
  readonly tier: Tier;
  /** Redundancy group. */
  readonly group?: string;
}

export interface DrawnCable {
  readonly connection: string;
  readonly ends: readonly [DrawnEnd, DrawnEnd];
}

export interface DrawnEnd {
  readonly device: string;
  readonly port: string;
}

export interface Diagram {
  /** By tier, then by name. */
  readonly devices: readonly Device[];
  readonly cables: readonly DrawnCable[];
}

const kindTiers: ReadonlyMap<string, Tier> = new Map([
  ['External', 'external'],
  ['Gateway', 'gateway'],
  ['Server', 'server'],
]);

/** Of Switches, Servers, Gateways, Externals and Connections; other kinds are passed over. A device that only a cable names is drawn too. */
export const diagramOf = (objects: readonly Resource[]): Diagram => {
  const devices = new Map<string, Device>();
  for (const object of objects) {
    const device = deviceOf(object);
    if (device !== undefined) devices.set(device.name, device);
  }
  const cables = objects.filter(({ kind }) => kind === 'Connection').flatMap(cablesOf);
  for (const { device } of cables.flatMap(({ ends }) => ends)) if (!devices.has(device)) devices.set(device, { name: device, tier: 'server' });
  const sorted = [...devices.values()].sort(
    (left, right) => tiers.indexOf(left.tier) - tiers.indexOf(right.tier) || left.name.localeCompare(right.name, 'en', { numeric: true }),
  );
  return { devices: sorted, cables: cables.sort((left, right) => byText(left.connection, right.connection)) };
};

const deviceOf = ({ kind, metadata: { name }, spec }: Resource): Device | undefined => {
  if (kind === 'Switch') {
    const { role, group } = spec as SwitchSpec;
    return { name, tier: role, ...(group === undefined ? {} : { group }) };
  }
  const tier = kindTiers.get(kind);
  return tier && { name, tier };
};

const cablesOf = ({ metadata: { name }, spec }: Resource): DrawnCable[] =>
  (spec as ConnectionSpec).links.flatMap(({ ends }): DrawnCable[] => {
    const [left, right] = ends.flatMap((end) => {
      const ref = parsePortRef(end);
      return ref.ok ? [ref.value] : [];
    });
    return left === undefined || right === undefined ? [] : [{ connection: name, ends: [left, right] }];
  });
