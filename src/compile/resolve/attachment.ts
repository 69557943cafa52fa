/** An attachment as a place: which port of which leaf joins which segment, and with which address. */
import type { Resource } from '../../api/object.ts';
import { byText } from '../../kit/order.ts';
import type { Vlan, Vni } from '../../net/brand.ts';
import { overlaps } from '../../net/prefix.ts';
import { ageOf } from '../age.ts';
import { warning } from '../finding.ts';
import { clusterRef, nameTold, prefixOf, specOf, tenantRef } from '../intent.ts';
import { attachmentsByConnection } from '../relations.ts';
import { objectKey, query, type View } from '../view.ts';
import { connectionResolution, isServerConnection, type ServerConnection } from './connection.ts';
import { fabricTenancy } from './fabric.ts';
import { hostAddresses, type HostAddresses } from './hostaddress.ts';
import { absent, Examination, unready, type Resolution } from './resolution.ts';
import { fabricOfTenants, knownVpc, type Overlay, type ResolvedSubnet } from './vpc.ts';

/** Where in the overlay an attachment is: the same object for all attachments of the subnet. */
export interface SubnetPlace {
  /** `namespace/vpc`, and the name of the subnet. */
  readonly vpc: string;
  readonly name: string;
  readonly overlay: Overlay;
  readonly subnet: ResolvedSubnet;
}

export interface ResolvedAttachment extends HostAddresses {
  readonly place: SubnetPlace;
  readonly segment: Vni;
  readonly connection: ServerConnection;
  /** Tag that the server puts on this traffic. */
  readonly vlan?: Vlan;
}

type SubnetAnswer = { readonly place: SubnetPlace } | { readonly place?: never; readonly resolution: Resolution<unknown> };

/** Key: `namespace/vpc/subnet`. A subnet by itself, so that attachments do not notice its siblings. */
export const subnetResolution = query('subnet', (view, key): SubnetAnswer => {
  const slash = key.lastIndexOf('/');
  const [vpc, name] = [key.slice(0, slash), key.slice(slash + 1)];
  const resolution = view.query(knownVpc, vpc);
  const { value } = resolution;
  const subnet = value !== undefined && Object.hasOwn(value.subnets, name) ? value.subnets[name] : undefined;
  if (value === undefined || subnet === undefined) return { resolution: { findings: resolution.findings, demands: [] } };
  return { place: { vpc, name, overlay: value.overlay, subnet } };
});

/** Key: `namespace/name`. Without regard to how much the leaf can hold. */
export const placement = query('placement', (view, key): Resolution<ResolvedAttachment> => {
  const object = view.at('VPCAttachment', key);
  return object === undefined ? absent : place(object, view);
});

const place = (object: Resource, view: View): Resolution<ResolvedAttachment> => {
  const seen = new Examination(object, view);
  const connection = connectionOf(object, seen, view);
  const found = placeOf(object, seen, view);
  if (found === undefined) return seen.done<ResolvedAttachment>(undefined);
  const { mtu, vpc } = found.overlay;
  if (connection !== undefined && connection.mtu < mtu) seen.findings.push(smallMtu(connection.mtu, mtu));
  if (connection !== undefined) checkFabric(connection, found, seen, view);
  const addresses = hostAddresses(object, found, connection?.mac, seen, view);
  if (connection !== undefined && connection.mac === undefined) seen.findings.push(noMac(connection.server.name));
  if (found.subnet.announceable !== undefined && connection !== undefined && connection.type !== 'unbundled') seen.error(...bundledSpeaker(connection));
  const segment = found.subnet.vni;
  if (segment === undefined) seen.findings.push(unready(vpc, 'spec.subnet', absent));
  if (connection === undefined || segment === undefined || addresses === undefined) return seen.done<ResolvedAttachment>(undefined);
  const { vlan } = specOf('VPCAttachment', object);
  // The schema knows no other numbers than those of a VLAN.
  const tagged = vlan === undefined ? { place: found, segment, connection } : { place: found, segment, connection, vlan: vlan as Vlan };
  return seen.done<ResolvedAttachment>({ ...tagged, ...addresses });
};

/** A VPC is judged by the Fabric that tenants default to; another one may keep other prefixes to itself. */
const checkFabric = ({ legs }: ServerConnection, { subnet }: SubnetPlace, seen: Examination, view: View): void => {
  const leaf = legs[0]?.leaf;
  const tenancy = leaf === undefined || leaf.fabric === fabricOfTenants ? undefined : view.query(fabricTenancy, leaf.fabric);
  if (leaf === undefined || tenancy === undefined) return;
  const prefixes = [subnet.prefix, ...(subnet.ipv6 === undefined ? [] : [subnet.ipv6.prefix])];
  for (const prefix of prefixes) {
    const reserved = tenancy.reserved.find((each) => overlaps(prefixOf(each), prefix));
    if (reserved === undefined) continue;
    seen.error('ReservedPrefix', 'spec.connection', `subnet "${prefix}" overlaps "${reserved}", which Fabric "${leaf.fabric}" of Switch "${leaf.name}" reserves; attach to a leaf of Fabric "${fabricOfTenants}", or choose another prefix`);
  }
};

const noMac = (server: string) =>
  warning(
    'AddressNotReserved',
    'spec.connection',
    `Server "${server}" declares no MAC address for its cabled port, so it gets no address by DHCP; add it to spec.ports of the Server`,
  );

/** The gateway's end of a BGP session is on one leaf, and each leaf has the same address: over several links it is luck which answers. */
const bundledSpeaker = ({ type, connection: { name } }: ServerConnection): [string, string, string] => [
  'HostBGPNeedsUnbundled',
  'spec.connection',
  `hosts of the subnet speak BGP with their leaf, which takes a single cable, but Connection "${name}" is of type ${type}; attach each of its ports by a Connection of its own`,
];

const smallMtu = (mtu: number, segment: number) =>
  warning(
    'MTUBelowSegment',
    'spec.connection',
    `the Connection has MTU ${mtu} but its segment ${segment}: larger packets towards this server are lost; raise or remove its spec.mtu`,
  );

const connectionOf = (object: Resource, seen: Examination, view: View): ServerConnection | undefined => {
  const { connection } = specOf('VPCAttachment', object);
  const at = 'spec.connection';
  if (view.get('Connection', '', connection) === undefined) {
    seen.error('UnknownConnection', at, `there is no Connection "${connection}"; create it or name another`);
    return undefined;
  }
  checkDoor(object, seen, view);
  const resolution = view.query(connectionResolution, connection);
  const { value } = resolution;
  if (value === undefined) {
    seen.findings.push(unready(clusterRef('Connection', connection), at, resolution));
    return undefined;
  }
  if (isServerConnection(value)) return value;
  const joined = value.type === 'external' ? 'leads to an External' : 'joins two switches';
  seen.error('NotAServerConnection', at, `Connection "${connection}" ${joined}; name one between a server and a leaf`);
  return undefined;
};

/** One attachment of a connection has no tag, others a tag each, and no two are of one subnet. The elder stands. */
const checkDoor = (object: Resource, seen: Examination, view: View): void => {
  const { connection, vlan, vpc, subnet } = specOf('VPCAttachment', object);
  // Most connections have one attachment, for which nothing is to be looked at.
  if (view.count(attachmentsByConnection, connection) < 2) return;
  const elders = eldersOf(object, connection, view);
  const door = elders.find((elder) => specOf('VPCAttachment', elder).vlan === vlan);
  if (door !== undefined) {
    const told = nameTold(object, objectKey(door));
    const holder = told === undefined ? 'an older VPCAttachment of another tenant' : `the older VPCAttachment "${told}"`;
    const at = vlan === undefined ? 'spec.connection' : 'spec.vlan';
    const [code, message] = vlan === undefined
      ? ['ConnectionInUse', `Connection "${connection}" is attached without a VLAN by ${holder}; set spec.vlan, or use another Connection`]
      : ['VLANInUse', `VLAN ${vlan} of Connection "${connection}" is used by ${holder}; choose another VLAN`];
    seen.error(code, at, message);
  }
  const twin = elders.find((elder) => {
    const other = specOf('VPCAttachment', elder);
    return elder.metadata.namespace === object.metadata.namespace && other.vpc === vpc && other.subnet === subnet;
  });
  if (twin === undefined || twin === door) return;
  const message = `subnet "${subnet}" of VPC "${vpc}" is attached to Connection "${connection}" already by VPCAttachment "${twin.metadata.name}"; a server is in a subnet once`;
  seen.error('SubnetAttachedTwice', 'spec.subnet', message);
};

/** Other attachments of the connection that are older than this one, the eldest first. */
const eldersOf = (object: Resource, connection: string, view: View): readonly Resource[] => {
  const own = { key: objectKey(object), age: ageOf(object) };
  return view
    .list(attachmentsByConnection, connection)
    .filter((key) => key !== own.key)
    .flatMap((key) => view.at('VPCAttachment', key) ?? [])
    .map((other) => ({ other, age: ageOf(other) }))
    .filter(({ age }) => age < own.age)
    .toSorted((left, right) => byText(left.age, right.age))
    .map(({ other }) => other);
};

const placeOf = (object: Resource, seen: Examination, view: View): SubnetPlace | undefined => {
  const spec = specOf('VPCAttachment', object);
  const key = `${object.metadata.namespace ?? ''}/${spec.vpc}`;
  const answer = view.query(subnetResolution, `${key}/${spec.subnet}`);
  if (answer.place !== undefined) return answer.place;
  const vpc = view.at('VPC', key);
  const ref = tenantRef('VPC', key);
  if (vpc === undefined) {
    seen.error('UnknownVPC', 'spec.vpc', `there is no VPC "${spec.vpc}" in namespace "${ref.namespace}"; create it or name another`);
    return undefined;
  }
  const { subnets } = specOf('VPC', vpc);
  if (Object.hasOwn(subnets, spec.subnet)) {
    seen.findings.push(unready(ref, 'spec.vpc', answer.resolution));
    return undefined;
  }
  const names = Object.keys(subnets).join('", "');
  seen.error('UnknownSubnet', 'spec.subnet', `VPC "${spec.vpc}" has no subnet "${spec.subnet}"; it has "${names}"`);
  return undefined;
};

export const placementLayers = [subnetResolution, placement];
