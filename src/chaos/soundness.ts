/** Reading intent as its author: what an object wishes, and whether anything stands in the way of it. */
import { refKey, type Resource } from '../api/object.ts';
import { type AttachmentWish, type Fabric, clusterRef, tenantRef, type VpcWish } from './intent.ts';

type Value = { readonly [name: string]: unknown };

export const wishOf = ({ spec }: Resource): AttachmentWish => spec as AttachmentWish;

export const sameSpec = (one: Resource | undefined, other: Resource): boolean =>
  one !== undefined && JSON.stringify(wishes(one.spec)) === JSON.stringify(wishes(other.spec));

/** What the intent says of a spec, whatever defaults the API filled in. */
const wishes = (spec: unknown): unknown => {
  if (typeof spec !== 'object' || spec === null) return spec;
  const { vpc, subnet, connection, subnets, permit, role } = spec as Value;
  const named = Object.entries((subnets ?? {}) as VpcWish['subnets']);
  const marks = named.map(([subnetName, { cidr, dhcp }]) => [subnetName, cidr, dhcp.dnsServers]).toSorted();
  const pairs = Array.isArray(permit) ? (permit as { vpc: string }[][]).map((pair) => pair.map((side) => side.vpc)) : undefined;
  return { vpc, subnet, connection, marks, pairs, role };
};

/** Whether nothing stands in the way of the attachment: switch, cable and subnet are there, and nobody else wants the port. */
export const isSound = (attachment: Resource, objects: ReadonlyMap<string, Resource>, fabric: Fabric): boolean => {
  const { vpc, subnet, connection } = wishOf(attachment);
  const leaf = fabric.ports.get(connection)?.leaf;
  const rivals = [...objects.values()].filter((other) => other.kind === 'VPCAttachment' && wishOf(other).connection === connection);
  const found = objects.get(refKey(tenantRef('VPC', vpc)));
  const hasSubnet = found !== undefined && Object.hasOwn((found.spec as VpcWish).subnets, subnet);
  const has = (kind: string, name: string): boolean => objects.has(refKey(clusterRef(kind, name)));
  const isCabled = leaf !== undefined && has('Switch', leaf) && has('Connection', connection);
  return isCabled && hasSubnet && rivals.length === 1 && isClean(vpc, objects);
};

/** Whether the VPC is there and shares no prefix with another. */
export const isClean = (name: string, objects: ReadonlyMap<string, Resource>): boolean => {
  const vpcs = [...objects.values()].filter(({ kind }) => kind === 'VPC');
  const prefixes = (each: Resource): string[] => Object.values((each.spec as VpcWish).subnets).map(({ cidr }) => cidr);
  const own = vpcs.find(({ metadata }) => metadata.name === name);
  if (own === undefined) return false;
  const others = new Set(vpcs.filter((each) => each !== own).flatMap(prefixes));
  return prefixes(own).every((prefix) => !others.has(prefix));
};

