/** Switches, servers and cables of Hedgehog as ours. What a connection is, follows here from what its ends are. */
import type { ConnectionSpec as OurConnection } from '../../api/kinds/connection.ts';
import type { ServerSpec } from '../../api/kinds/server.ts';
import type { SwitchSpec as OurSwitch } from '../../api/kinds/switch.ts';
import { memberPath } from '../../api/findings.ts';
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Notes } from '../notes.ts';
import type { Document, Documents } from './documents.ts';
import { gatewayPorts } from './gateways.ts';
import { fecOf, portsOn, profilesOf, speedOf, type Profiles } from './profiles.ts';

/** Roles of leaves that there are more of: a border of ours takes servers too. */
const roles: Readonly<Record<string, OurSwitch['role']>> = {
  spine: 'spine',
  'server-leaf': 'leaf',
  'border-leaf': 'border',
  'mixed-leaf': 'border',
};

const linkAddress = 'addresses of links are allocated, or none are needed (Fabric.spec.underlay.links)';

/** `profile` takes the place of all that the files name. */
export const convertWiring = (documents: Documents, outside: ReadonlyMap<string, string>, profile?: string): Resource[] => {
  const far: FarEnds = { outside, gateways: gatewayPorts(documents) };
  const cables = documents.Connection.flatMap((document) => convertConnection(document, far));
  const profiles = profile === undefined ? profilesOf(documents, cables) : { objects: [], nameOf: () => profile };
  for (const { notes } of documents.VLANNamespace) notes.lost('', 'VLAN tags are chosen by each VPCAttachment, and every leaf may use all of them');
  return [
    ...profiles.objects,
    ...documents.Switch.flatMap((document) => convertSwitch(document, documents, profiles)),
    ...documents.Server.map((document) => convertServer(document, cables)),
    ...cables,
  ];
};

const convertSwitch = ({ name, spec, notes }: Document<'Switch'>, documents: Documents, profiles: Profiles): Resource[] => {
  const role = roles[spec.role ?? ''];
  if (role === undefined) {
    notes.error('spec.role', `"${spec.role ?? ''}" is no role of a switch; use one of ${Object.keys(roles).join(', ')}`);
    return [];
  }
  if (spec.role === 'mixed-leaf') notes.changed('spec.role', 'a border takes servers too');
  noteSwitch(spec, notes);
  const converted: OurSwitch = {
    role,
    profile: profiles.nameOf(spec.profile ?? ''),
    ...optional('description', spec.description),
    ...optional('group', groupOf(spec, documents, notes)),
    ...optional('asn', spec.asn),
    ...optional('routerID', host(spec.protocolIP)),
    ...(role === 'spine' ? {} : optional('vtep', host(spec.vtepIP))),
    ...optional('ports', portsOf(spec, notes)),
  };
  return [make('Switch', name, converted, '', labelsOf(spec.groups ?? [], spec.redundancy?.group))];
};

const noteSwitch = (spec: Document<'Switch'>['spec'], notes: Notes): void => {
  notes.lose(spec, ['ip'], 'addresses of management are not Heddle\'s: its agents dial out');
  notes.lose(spec, ['boot'], 'switches are not enrolled by serial number yet');
  notes.lose(spec, ['portGroupSpeeds'], 'set the speed of one port of each group in spec.ports of the Switch');
  notes.lose(spec, ['portAutoNegs'], 'ports do not negotiate');
  notes.lose(spec, ['roce', 'ecmp'], 'quality of service is not in this release');
  notes.lose(spec, ['linkFlapErrDisable', 'enableAllPorts'], 'a port is up while it is cabled, and is not shut down for flapping');
  const others = (spec.vlanNamespaces ?? []).filter((namespace) => namespace !== 'default');
  if (others.length > 0) notes.lost('spec.vlanNamespaces', 'every leaf may use all VLAN tags');
};

const groupOf = ({ redundancy }: Document<'Switch'>['spec'], { SwitchGroup }: Documents, notes: Notes): string | undefined => {
  const { group, type } = redundancy ?? {};
  if (group === undefined || group === '') return undefined;
  if (!SwitchGroup.some(({ name }) => name === group)) notes.error('spec.redundancy.group', `there is no SwitchGroup "${group}"`);
  if (type === 'mclag') notes.changed('spec.redundancy.type', '"mclag" is read as "eslag", which took its place');
  return group;
};

/** Groups that only mark switches. */
const labelsOf = (groups: readonly string[], redundancy: string | undefined): Record<string, string> | undefined => {
  const marks = groups.filter((group) => group !== redundancy).map((group): [string, string] => [`group/${group}`, 'true']);
  return marks.length === 0 ? undefined : Object.fromEntries(marks);
};

const portsOf = (spec: Document<'Switch'>['spec'], notes: Notes): OurSwitch['ports'] => {
  const ports: NonNullable<OurSwitch['ports']> = {};
  const at = (port: string) => (ports[port] ??= {});
  for (const [port, speed] of Object.entries(spec.portSpeeds ?? {})) at(port).speed = speedOf(speed);
  for (const [port, mode] of Object.entries(spec.portBreakouts ?? {})) at(port).breakout = mode;
  for (const [port, fec] of Object.entries(spec.portFECs ?? {})) {
    const known = fecOf(fec);
    if (known === undefined) notes.error(memberPath('spec.portFECs', port), `"${fec}" is no FEC; use rs, fc, auto or disabled`);
    else at(port).fec = known;
  }
  return Object.keys(ports).length === 0 ? undefined : ports;
};

/** Servers say nothing of their ports there; they are those that are cabled. */
const convertServer = ({ name, spec, notes }: Document<'Server'>, cables: readonly Resource[]): Resource => {
  const names = [...new Set(portsOn(cables, new Set([name])))].sort();
  const ports = Object.fromEntries(names.map((port) => [port, {}]));
  notes.changed('', `has no MAC addresses: add them to spec.ports (${names.join(', ') || 'none is cabled'}), so that addresses are reserved for it`);
  notes.lose(spec, ['profile'], 'servers have no profiles');
  const converted: ServerSpec = { ports, ...optional('description', spec.description) };
  return make('Server', name, converted);
};

interface Links {
  readonly ends: readonly (readonly [string | undefined, string | undefined])[];
  readonly mtu?: number | undefined;
  readonly fallback?: boolean | undefined;
}

/** What is known of ends that the document itself does not name as we do. */
interface FarEnds {
  /** By connection. */
  readonly outside: ReadonlyMap<string, string>;
  /** By `<gateway>/<interface>`. */
  readonly gateways: ReadonlyMap<string, string>;
}

const convertConnection = ({ name, spec, notes }: Document<'Connection'>, far: FarEnds): Resource[] => {
  const types = Object.keys(spec);
  if (types.length !== 1) {
    notes.error('spec', `must have exactly one member, has ${types.length === 0 ? 'none' : types.join(', ')}`);
    return [];
  }
  const links = linksOf(spec, name, notes, far);
  if (links === undefined) return [];
  const complete = links.ends.flatMap(([left, right]) => (left === undefined || right === undefined ? [] : [{ ends: [left, right] }]));
  if (complete.length < links.ends.length || complete.length === 0) {
    notes.error(`spec.${types[0] ?? ''}`, 'every link needs a port at both ends');
    return [];
  }
  const converted: OurConnection = { links: complete, ...optional('mtu', links.mtu), ...(links.fallback === true && { fallback: true }) };
  return [make('Connection', name, converted)];
};

const linksOf = (
  { unbundled, bundled, eslag, fabric, mesh, gateway, external, staticExternal, ...obsolete }: Document<'Connection'>['spec'],
  name: string,
  notes: Notes,
  { outside, gateways }: FarEnds,
): Links | undefined => {
  if (unbundled !== undefined) return { ends: [[unbundled.link?.server?.port, unbundled.link?.switch?.port]], mtu: unbundled.mtu };
  const several = bundled ?? eslag;
  if (several !== undefined) {
    const { links = [], mtu, fallback } = several;
    return { ends: links.map((link) => [link.server?.port, link.switch?.port]), mtu, fallback };
  }
  if (fabric !== undefined) return between('fabric', (fabric.links ?? []).map(({ spine, leaf }) => [spine, leaf]), notes);
  if (mesh !== undefined) return between('mesh', (mesh.links ?? []).map(({ leaf1, leaf2 }) => [leaf1, leaf2]), notes);
  if (gateway !== undefined) return between('gateway', (gateway.links ?? []).map((link) => [link.switch, renamed(link.gateway, gateways)]), notes);
  const edge = external?.link?.switch?.port ?? staticExternal?.link?.switch?.port;
  if (external !== undefined || staticExternal !== undefined) return toOutside(edge, name, notes, outside);
  for (const type of Object.keys(obsolete)) notes.lost(`spec.${type}`, 'that system has given it up; use "eslag" for several leaves, and nothing for a loopback');
  return undefined;
};

interface AddressedPort {
  readonly port?: string;
  readonly ip?: string;
}

const renamed = (end: AddressedPort | undefined, ports: ReadonlyMap<string, string>): AddressedPort | undefined =>
  end?.port === undefined ? end : { ...end, port: ports.get(end.port) ?? end.port };

const between = (type: string, links: readonly (readonly [AddressedPort | undefined, AddressedPort | undefined])[], notes: Notes): Links => {
  if (links.flat().some((end) => end?.ip !== undefined)) notes.lost(`spec.${type}.links`, linkAddress);
  return { ends: links.map(([left, right]) => [left?.port, right?.port]) };
};

/** The other end of such a cable has no name there; it is the first External that is attached by it. */
const toOutside = (port: string | undefined, name: string, notes: Notes, outside: ReadonlyMap<string, string>): Links | undefined => {
  const external = outside.get(name);
  if (external !== undefined) return { ends: [[port, `${external}/${name.replaceAll(/[^a-z0-9]+/g, '-')}`]] };
  notes.lost('', 'no External is attached by it, so there is nothing at its other end');
  return undefined;
};

/** `172.30.8.1/32` as an address. */
const host = (text: string | undefined): string | undefined => text?.replace(/\/\d+$/, '');
