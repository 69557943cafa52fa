/** Externals of Hedgehog as ours: where they are attached is a part of them here. */
import type { ExternalSpec } from '../../api/kinds/external.ts';
import type { ExternalPeeringSpec } from '../../api/kinds/externalpeering.ts';
import { memberPath } from '../../api/findings.ts';
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Notes } from '../notes.ts';
import type { Document, Documents } from './documents.ts';
import type { StatementSpec } from './schema/vpc.ts';

/** By connection: the first External that is attached by it, which stands for what is at its other end. */
export const externalByConnection = (documents: Documents): Map<string, string> => {
  const found = new Map<string, string>();
  for (const { spec } of documents.ExternalAttachment) {
    if (spec.connection !== undefined && spec.external !== undefined && !found.has(spec.connection)) found.set(spec.connection, spec.external);
  }
  for (const { name, spec } of documents.Connection) if (spec.staticExternal !== undefined) found.set(name, name);
  return found;
};

export const convertOutside = (documents: Documents, namespace: string): Resource[] => [
  ...documents.External.map((document) => convertExternal(document, documents)),
  ...documents.Connection.flatMap((document) => convertStaticExternal(document, namespace)),
  ...documents.ExternalPeering.map((document) => convertPeering(document, namespace)),
];

type Attachment = NonNullable<ExternalSpec['attachments']>[number];

const convertExternal = ({ name, spec }: Document<'External'>, { ExternalAttachment }: Documents): Resource => {
  const attached = ExternalAttachment.filter((document) => document.spec.external === name);
  const acls = attached.flatMap(convertAcl);
  const converted: ExternalSpec = {
    ...optional('addressSpace', spec.ipv4Namespace),
    ...(spec.static === undefined
      ? { bgp: { ...optional('inboundCommunity', spec.inboundCommunity), ...optional('outboundCommunity', spec.outboundCommunity) } }
      : { static: { prefixes: spec.static.prefixes ?? [] } }),
    attachments: attached.flatMap(convertAttachment),
    ...(acls.length === 0 ? {} : { inboundACL: acls }),
  };
  return make('External', name, converted);
};

const convertAttachment = ({ spec, notes }: Document<'ExternalAttachment'>): Attachment[] => {
  const { connection, neighbor, static: fixed } = spec;
  if (connection === undefined) {
    notes.error('spec.connection', 'is required');
    return [];
  }
  const vlan = tag(spec.switch?.vlan ?? fixed?.vlan);
  if (fixed === undefined) {
    if (spec.switch?.ip === undefined) notes.error('spec.switch.ip', 'is required');
    if (neighbor?.ip === undefined || neighbor.asn === undefined) notes.error('spec.neighbor', 'needs asn and ip');
    const peer = { address: neighbor?.ip ?? '', asn: neighbor?.asn ?? 0 };
    return [{ connection, ...vlan, address: spec.switch?.ip ?? '', neighbor: peer }];
  }
  if (fixed.remoteIP === undefined) notes.error('spec.static.remoteIP', 'is required');
  if (fixed.proxy !== true) {
    if (fixed.ip === undefined) notes.error('spec.static', 'needs ip or proxy');
    return [{ connection, ...vlan, address: fixed.ip ?? '', nextHop: fixed.remoteIP ?? '' }];
  }
  if (fixed.ip !== undefined) notes.error('spec.static.proxy', 'excludes ip');
  notes.lost('spec.static.proxy', 'it serves gateway peerings alone, which are not in this release; give static.ip an address of the network of remoteIP to peer without');
  return [];
};

const tag = (vlan: number | undefined): { vlan?: number } => (vlan === undefined || vlan === 0 ? {} : { vlan });

type Statement = NonNullable<ExternalSpec['inboundACL']>[number];

const convertAcl = ({ spec, notes }: Document<'ExternalAttachment'>): Statement[] => {
  const statements = spec.inboundACL?.statements ?? [];
  const ordered = statements.map((statement, index) => ({ statement, path: memberPath('spec.inboundACL.statements', index) }));
  if (ordered.length > 0) notes.changed('spec.inboundACL', 'belongs to the External now, and holds for all its attachments');
  return ordered
    .sort((one, other) => (one.statement.seq ?? 0) - (other.statement.seq ?? 0))
    .flatMap(({ statement, path }) => convertStatement(statement, path, notes));
};

const actions: Readonly<Record<string, 'permit' | 'deny'>> = { permit: 'permit', deny: 'deny', discard: 'deny' };
const protocols: Readonly<Record<string, 'tcp' | 'udp' | 'icmp' | 'ip'>> = { ip: 'ip', tcp: 'tcp', udp: 'udp', icmp: 'icmp' };

const convertStatement = (statement: StatementSpec, path: string, notes: Notes): Statement[] => {
  const action = actions[statement.action ?? ''];
  const protocol = protocols[statement.protocol ?? ''];
  if (action === undefined) notes.error(`${path}.action`, `"${statement.action ?? ''}" has no equivalent; use permit or deny`);
  if (protocol === undefined) notes.error(`${path}.protocol`, `"${statement.protocol ?? ''}" is no protocol; use ip, tcp, udp or icmp`);
  const flags = Object.entries(statement.tcpFilters ?? {}).flatMap(([flag, set]) => (set ? [flag] : []));
  const others = flags.filter((flag) => flag !== 'established');
  if (others.length > 0) notes.error(`${path}.tcpFilters`, `there are no filters by "${others.join('", "')}"; only established is taken over, and leaving them out would let other packets in`);
  if (action === undefined || protocol === undefined || others.length > 0) return [];
  const { portRangeBegin: from, portRangeEnd: to, icmpType, icmpCode } = statement;
  return [
    {
      action,
      ...(protocol === 'ip' ? {} : { protocol }),
      ...optional('source', prefixOf(statement.srcPrefix)),
      ...optional('destination', prefixOf(statement.dstPrefix)),
      ...(from === undefined ? {} : { ports: { from, to: to ?? from } }),
      ...(flags.includes('established') && { established: true }),
      ...optional('icmpType', icmpType),
      ...optional('icmpCode', icmpCode),
    },
  ];
};

const prefixOf = (text: string | undefined): string | undefined => (text === 'any' ? undefined : text);

/** A port that a network outside is behind, without BGP: an External of its own, and a peering with the VPC it is in. */
const convertStaticExternal = ({ name, spec, notes }: Document<'Connection'>, namespace: string): Resource[] => {
  const { link, withinVPC } = spec.staticExternal ?? {};
  const { ip, vlan, subnets = [], nextHop } = link?.switch ?? {};
  if (link === undefined) return [];
  if (ip === undefined || nextHop === undefined || subnets.length === 0) {
    notes.error('spec.staticExternal.link.switch', 'needs ip, nextHop and at least one of subnets');
    return [];
  }
  notes.changed('spec.staticExternal', withinVPC === undefined
    ? `is External "${name}" now; it is reached by the VPCs that get an ExternalPeering with it`
    : `is External "${name}" now, with an ExternalPeering for VPC "${withinVPC}"`);
  const external: ExternalSpec = { static: { prefixes: subnets }, attachments: [{ connection: name, ...tag(vlan), address: ip, nextHop }] };
  const peering: ExternalPeeringSpec | undefined = withinVPC === undefined ? undefined : { vpc: withinVPC, external: name, prefixes: subnets };
  return [make('External', name, external), ...(peering === undefined ? [] : [make('ExternalPeering', `${withinVPC}--${name}`, peering, namespace)])];
};

const convertPeering = ({ name, spec, notes }: Document<'ExternalPeering'>, namespace: string): Resource => {
  const { vpc, external } = spec.permit ?? {};
  if (vpc?.name === undefined) notes.error('spec.permit.vpc.name', 'is required');
  if (external?.name === undefined) notes.error('spec.permit.external.name', 'is required');
  const converted: ExternalPeeringSpec = {
    vpc: vpc?.name ?? '',
    ...optional('subnets', vpc?.subnets),
    external: external?.name ?? '',
    prefixes: (external?.prefixes ?? []).map(({ prefix }) => prefix ?? ''),
  };
  return make('ExternalPeering', name, converted, namespace);
};
