/** Which attachments a port key of a row stands for: by the rows of ports and bundles, and by the cables of intent. Pure. */
import { withoutFirstLane } from '../../api/ports.ts';
import { deviceScope } from '../../goal/rows.ts';
import type { Address } from '../../net/brand.ts';
import type { External, Vpc } from '../../specify/networks.ts';
import type { Placement } from '../../specify/placement.ts';
import type { Wiring } from '../../specify/wiring.ts';
import type { Scene } from '../fault.ts';

/** The Connection whose cable ends at a port of a device, by the name that rows have for it. */
export const connectionAt = ({ spec }: Scene, device: string, port: string): { readonly connection: string; readonly wiring: Wiring } | undefined => {
  const near = [...spec.ports.of(withoutFirstLane(`${device}/${port}`))];
  const leaving = near.length > 0 ? [] : [...spec.connectionsByDevice.of(device)].filter((key) => 'leaving' in (spec.objects.get('Connection', key)?.spec ?? {}));
  for (const connection of [...near, ...leaving]) {
    const wiring = spec.wiring(connection);
    if (wiring !== undefined && endsAt(wiring, device, port)) return { connection, wiring };
  }
  return undefined;
};

const endsAt = (wiring: Wiring, device: string, port: string): boolean => {
  if (wiring.type === 'external') return wiring.end.device === device && wiring.end.port === port;
  const ends = wiring.type === 'fabric' ? wiring.links.flatMap((link) => link.ends) : wiring.legs.flatMap(({ ports }) => ports);
  return ends.some((end) => end.device === device && end.port === port);
};

/** Ports that a key names on a device: itself, or the members of the bundle. */
export const portsNamed = ({ state }: Scene, device: string, key: string): readonly string[] => {
  const scope = deviceScope(device);
  if (state.row(scope, 'port', key) !== undefined) return [key];
  const members: string[] = [];
  for (const row of state.rows(scope, 'port')) if (row.value.bundle === key) members.push(row.key);
  return members;
};

/** What rows call the way of a placement: its port, or the bundle that the port is in; undefined where the port has no row. */
export const portKeyOf = ({ state }: Scene, { legs, isBundled }: Pick<Placement, 'legs' | 'isBundled'>): string | undefined => {
  const [leg] = legs;
  const row = leg && state.row(deviceScope(leg.device), 'port', leg.port);
  return isBundled ? row?.value.bundle : leg?.port;
};

/** Attachments in force behind a port key of a scope, with that tag. */
export const placementsAt = (scene: Scene, scope: string, key: string, vlan: number | undefined): readonly Placement[] => {
  const { spec } = scene;
  const found = new Map<string, Placement>();
  for (const device of devicesOf(scene, scope)) {
    const [port] = portsNamed(scene, device, key);
    const connection = port === undefined ? undefined : connectionAt(scene, device, port)?.connection;
    if (connection === undefined) continue;
    for (const attachment of spec.attachmentsByConnection.of(connection)) {
      const placement = spec.placement(attachment);
      if (placement?.scope === scope && placement.vlan === vlan && portKeyOf(scene, placement) === key) found.set(attachment, placement);
    }
    if (found.size > 0) break;
  }
  return [...found.values()];
};

const devicesOf = ({ state }: Scene, scope: string): readonly string[] =>
  scope.startsWith('device/') ? [scope.slice('device/'.length)] : state.devicesOf(scope);

/** Addresses of the servers that are attached to a VPC. */
export const addressesIn = (network: Vpc | External | undefined, spec: Scene['spec']): readonly Address[] =>
  network === undefined || 'inside' in network ? [] : [...spec.attachmentsByVpc.of(network.key)].flatMap((key) => spec.placement(key)?.addresses ?? []);
