/** Address spaces, VPCs, attachments and peerings of Hedgehog as ours. */
import type { VpcAttachmentSpec } from '../../api/kinds/vpcattachment.ts';
import type { VpcPeeringSpec } from '../../api/kinds/vpcpeering.ts';
import type { Subnet, VpcSpec } from '../../api/kinds/vpc.ts';
import { memberPath } from '../../api/findings.ts';
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Notes } from '../notes.ts';
import { convertDhcp } from './dhcp.ts';
import type { Document, Documents } from './documents.ts';
import type { SubnetSpec } from './schema/vpc.ts';

/** `namespace` is the tenant that gets all of it. */
export const convertTenancy = (documents: Documents, namespace: string): Resource[] => [
  ...documents.IPv4Namespace.map(({ name, spec }) => make('AddressSpace', name, { prefixes: spec.subnets ?? [] })),
  ...documents.VPC.flatMap((document) => convertVpc(document, namespace)),
  ...documents.VPCAttachment.flatMap((document) => convertAttachment(document, documents, namespace)),
  ...documents.VPCPeering.flatMap((document) => convertPeering(document, namespace)),
];

const modes: Readonly<Record<string, 'l2' | 'l3'>> = { '': 'l2', l2vni: 'l2', l3vni: 'l3' };

const convertVpc = ({ name, spec, notes }: Document<'VPC'>, namespace: string): Resource[] => {
  const mode = modes[spec.mode ?? ''];
  if (mode === undefined) {
    notes.error('spec.mode', `"${spec.mode ?? ''}" is no mode that VPCs have; use l2vni or l3vni`);
    return [];
  }
  const subnets = Object.entries(spec.subnets ?? {}).map(([subnet, value]) => [subnet, convertSubnet(subnet, value, notes)]);
  const converted: VpcSpec = {
    mode,
    ...optional('addressSpace', spec.ipv4Namespace),
    subnets: Object.fromEntries(subnets),
    ...(spec.defaultIsolated === true && { defaultIsolated: true }),
    ...(spec.defaultRestricted === true && { defaultRestricted: true }),
    ...optional('permit', spec.permit),
    ...optional('staticRoutes', spec.staticRoutes?.map(({ prefix = '', nextHops = [] }) => ({ prefix, nextHops }))),
  };
  return [make('VPC', name, converted, namespace)];
};

const convertSubnet = (name: string, subnet: SubnetSpec, notes: Notes): Subnet => {
  const path = memberPath('spec.subnets', name);
  if (subnet.subnet === undefined) notes.error(`${path}.subnet`, 'is required');
  return {
    cidr: subnet.subnet ?? '',
    ...optional('gateway', subnet.gateway),
    ...optional('isolated', subnet.isolated),
    ...optional('restricted', subnet.restricted),
    ...(subnet.hostBGP === true && { hostBGP: convertHostBgp(subnet, path, notes) }),
    dhcp: convertDhcp(subnet.dhcp ?? {}, `${path}.dhcp`, notes),
  };
};

const convertHostBgp = (subnet: SubnetSpec, path: string, notes: Notes): NonNullable<Subnet['hostBGP']> => {
  notes.changed(`${path}.hostBGP`, 'hosts open their session to the gateway address of the subnet instead of without a number on the link');
  const { hostBGPMinPrefixLen: minLength, hostBGPMaxPrefixLen: maxLength, hostBGPExtraPrefixes: more = {} } = subnet;
  const own = { cidr: subnet.subnet ?? '', ...optional('minLength', minLength), ...optional('maxLength', maxLength) };
  const extra = Object.entries(more).map(([cidr, { minPrefixLen, maxPrefixLen }]) => ({
    cidr,
    ...optional('minLength', minPrefixLen),
    ...optional('maxLength', maxPrefixLen),
  }));
  return minLength === undefined && maxLength === undefined && extra.length === 0 ? {} : { prefixes: [own, ...extra] };
};

/** Their VLAN is the subnet's, ours the attachment's. */
const convertAttachment = ({ name, spec, notes }: Document<'VPCAttachment'>, { VPC }: Documents, namespace: string): Resource[] => {
  const [vpc = '', subnet = 'default'] = (spec.subnet ?? '').split('/');
  const found = VPC.find((other) => other.name === vpc)?.spec.subnets?.[subnet];
  if (found === undefined) notes.error('spec.subnet', `there is no subnet "${subnet}" of a VPC "${vpc}" in the files`);
  const tag = spec.nativeVLAN === true || found?.vlan === 0 ? undefined : found?.vlan;
  if (found !== undefined && tag === undefined && spec.nativeVLAN !== true) {
    notes.changed('spec.subnet', `subnet "${subnet}" has no VLAN, so the attachment is untagged`);
  }
  const converted: VpcAttachmentSpec = { vpc, subnet, connection: spec.connection ?? '', ...optional('vlan', tag) };
  return [make('VPCAttachment', name, converted, namespace)];
};

const convertPeering = ({ name, spec, notes }: Document<'VPCPeering'>, namespace: string): Resource[] => {
  notes.lose(spec, ['remote'], 'that system has given it up');
  const permit = (spec.permit ?? []).map((pair) =>
    Object.entries(pair).map(([vpc, { subnets }]) => ({ vpc, ...optional('subnets', subnets?.length === 0 ? undefined : subnets) })),
  );
  return [make('VPCPeering', name, { permit } satisfies VpcPeeringSpec, namespace)];
};
