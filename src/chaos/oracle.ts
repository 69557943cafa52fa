/**
 * What every device may hold, worked out from the intent alone: no id, no goal state and no status has a part in it, so that it
 * can bear witness against all of them.
 *
 * A device is part of a VPC at a revision of the intent when an attachment puts one of its ports into the VPC, or when a VPC
 * that it is part of that way peers with it. A device may hold a row of a VPC when it was part of the VPC at some revision since
 * the witness last began anew, which it does whenever all devices were seen to be right.
 */
import type { Resource } from '../api/object.ts';
import type { AttachmentWish, Fabric, PeeringWish, VpcWish } from './intent.ts';

/** What devices may hold; VPCs and subnets as `<namespace>/<vpc>` and `<namespace>/<vpc>/<subnet>`. */
export interface Membership {
  /** `<device> <vpc>` */
  readonly parts: ReadonlySet<string>;
  /** `<device>/<port> <subnet>` */
  readonly ports: ReadonlySet<string>;
  /** `<vpc> <vpc>`, both ways. */
  readonly peers: ReadonlySet<string>;
}

export const vpcKey = (vpc: string): string => `default/${vpc}`;

export const membership = (objects: readonly Resource[], fabric: Fabric): Membership => {
  const parts = new Set<string>();
  const ports = new Set<string>();
  const peers = new Set<string>();
  const vpcs = new Set(objects.filter(({ kind }) => kind === 'VPC').map(({ metadata }) => metadata.name));
  for (const peering of objects.filter(({ kind }) => kind === 'VPCPeering')) {
    const [left, right] = vpcsOfPeering(peering);
    if (!vpcs.has(left) || !vpcs.has(right)) continue;
    peers.add(`${vpcKey(left)} ${vpcKey(right)}`).add(`${vpcKey(right)} ${vpcKey(left)}`);
  }
  for (const { spec } of objects.filter(({ kind }) => kind === 'VPCAttachment')) {
    const { vpc, subnet, connection } = spec as AttachmentWish;
    const place = fabric.ports.get(connection);
    if (place === undefined || !vpcs.has(vpc)) continue;
    parts.add(`${place.leaf} ${vpcKey(vpc)}`);
    ports.add(`${place.leaf}/${place.port} ${vpcKey(vpc)}/${subnet}`);
    for (const other of vpcs) if (peers.has(`${vpcKey(vpc)} ${vpcKey(other)}`)) parts.add(`${place.leaf} ${vpcKey(other)}`);
  }
  return { parts, ports, peers };
};

export const vpcsOfPeering = ({ spec }: Resource): readonly [string, string] => {
  const [pair] = (spec as PeeringWish).permit;
  return [pair[0].vpc, pair[1].vpc];
};

/** The mark that tells one change of a VPC from another, see `Intent`. */
export const markOf = ({ spec }: Resource): string =>
  Object.values((spec as VpcWish).subnets)[0]?.dhcp.dnsServers[0] ?? '';
