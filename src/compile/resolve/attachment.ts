/** An attachment as a place: which port of which leaf joins which segment, and with which address. */
import type { Resource } from '../../api/object.ts';
import { vpcScope } from '../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { contains, isHost } from '../../net/prefix.ts';
import { byText } from '../../kit/order.ts';
import { ageOf } from '../age.ts';
import { warning } from '../finding.ts';
import { addressOf, clusterRef, nameTold, ownerOf, path, specNamed, specOf, tenantRef, type Specs } from '../intent.ts';
import { attachmentsByConnection, attachmentsByPin, holdersByValue } from '../relations.ts';
import { derivedIndex, query, type View } from '../view.ts';
import { connectionResolution, type ServerConnection } from './connection.ts';
import { absent, Examination, unready, type Resolution } from './resolution.ts';
import { hostPool, sliceAt } from './mapping.ts';
import { vpcResolution, type ResolvedSubnet } from './vpc.ts';

export interface ResolvedAttachment {
  readonly age: string;
  /** `namespace/name` of the VPC. */
  readonly vpc: string;
  readonly vrf: string;
  readonly l3vni: Vni;
  readonly subnet: string;
  readonly segment: Vni;
  readonly prefixes: ResolvedSubnet;
  readonly mtu: number;
  readonly leaf: string;
  readonly profile: string;
  readonly port: string;
  /** `<switch>/<port>` of all cables. */
  readonly ports: readonly string[];
  readonly server: string;
  readonly address?: Address;
  readonly mac?: Mac;
}

type SubnetAnswer =
  | { readonly found: false; readonly resolution: Resolution<unknown> }
  | { readonly found: true; readonly vrf: string; readonly l3vni: Vni; readonly mtu: number; readonly uid: string; readonly subnet: ResolvedSubnet };

/** Key: `namespace/vpc/subnet`. A subnet by itself, so that attachments do not notice its siblings. */
const subnetResolution = query('subnet', (view, key): SubnetAnswer => {
  const slash = key.lastIndexOf('/');
  const resolution = view.query(vpcResolution, key.slice(0, slash));
  const { value } = resolution;
  const name = key.slice(slash + 1);
  const subnet = value !== undefined && Object.hasOwn(value.subnets, name) ? value.subnets[name] : undefined;
  if (value === undefined || subnet === undefined) {
    return { found: false, resolution: { findings: resolution.findings, demands: [] } };
  }
  return { found: true, vrf: value.vrf, l3vni: value.vni, mtu: value.mtu, uid: value.uid, subnet };
});

/** Key: `namespace/name`. Without regard to how much the leaf can hold. */
const placement = query('placement', (view, key): Resolution<ResolvedAttachment> => {
  const { kind, namespace, name } = tenantRef('VPCAttachment', key);
  const object = view.get(kind, namespace, name);
  return object === undefined ? absent : place(object, view);
});

const place = (object: Resource, view: View): Resolution<ResolvedAttachment> => {
  const seen = new Examination(object, view);
  const spec = specOf('VPCAttachment', object);
  const connection = connectionOf(object, seen, view);
  const vpc = `${object.metadata.namespace ?? ''}/${spec.vpc}`;
  const target = subnetOf(vpc, spec, seen, view);
  if (target === undefined) return seen.done<ResolvedAttachment>(undefined);
  const { subnet } = target;
  if (connection !== undefined && connection.mtu < target.mtu) seen.findings.push(smallMtu(connection.mtu, target.mtu));
  const wantsAddress = spec.address !== undefined || connection?.mac !== undefined;
  const address = wantsAddress ? claimAddress(object, vpc, target, seen, view) : undefined;
  if (connection !== undefined && connection.mac === undefined) seen.findings.push(noMac(connection.server));
  if (subnet.vni === undefined) seen.findings.push(unready(tenantRef('VPC', vpc), 'spec.subnet', absent));
  if (connection === undefined || subnet.vni === undefined || (wantsAddress && address === undefined)) {
    return seen.done<ResolvedAttachment>(undefined);
  }
  return seen.done<ResolvedAttachment>({
    age: ageOf(object),
    vpc,
    vrf: target.vrf,
    l3vni: target.l3vni,
    subnet: spec.subnet,
    segment: subnet.vni,
    prefixes: subnet,
    mtu: target.mtu,
    leaf: connection.leaf,
    profile: connection.profile,
    port: connection.port,
    ports: connection.links.map(({ leaf }) => `${leaf.device}/${leaf.port}`),
    server: connection.server,
    ...(address === undefined ? {} : { address }),
    ...(connection.mac === undefined ? {} : { mac: connection.mac }),
  });
};

const noMac = (server: string) =>
  warning(
    'AddressNotReserved',
    'spec.connection',
    `Server "${server}" declares no MAC address for its cabled port, so it gets no address by DHCP; add it to spec.ports of the Server`,
  );

const smallMtu = (mtu: number, segment: number) =>
  warning(
    'MTUBelowSegment',
    'spec.connection',
    `the Connection has MTU ${mtu} but its segment ${segment}: larger packets towards this server are lost; raise or remove its spec.mtu`,
  );

type Spec = Specs['VPCAttachment'];

const connectionOf = (object: Resource, seen: Examination, view: View): ServerConnection | undefined => {
  const { connection } = specOf('VPCAttachment', object);
  const at = 'spec.connection';
  if (view.get('Connection', '', connection) === undefined) {
    seen.error('UnknownConnection', at, `there is no Connection "${connection}"; create it or name another`);
    return undefined;
  }
  const elder = seen.elder(attachmentsByConnection, connection);
  if (elder !== undefined) {
    const told = nameTold(object, elder.name);
    const holder = told === undefined ? 'an older VPCAttachment of another tenant; use' : `the older VPCAttachment "${told}"; delete that one or use`;
    seen.error('ConnectionInUse', at, `Connection "${connection}" is attached by ${holder} another`);
  }
  const resolution = view.query(connectionResolution, connection);
  const { value } = resolution;
  if (value === undefined) {
    seen.findings.push(unready(clusterRef('Connection', connection), at, resolution));
    return undefined;
  }
  if (value.type !== 'fabric') return value;
  seen.error('NotAServerConnection', at, `Connection "${connection}" joins two switches; name one between a server and a leaf`);
  return undefined;
};

type Target = Extract<SubnetAnswer, { found: true }>;

const subnetOf = (vpc: string, spec: Spec, seen: Examination, view: View): Target | undefined => {
  const answer = view.query(subnetResolution, `${vpc}/${spec.subnet}`);
  if (answer.found) return answer;
  const ref = tenantRef('VPC', vpc);
  const object = view.get(ref.kind, ref.namespace, ref.name);
  if (object === undefined) {
    seen.error('UnknownVPC', 'spec.vpc', `there is no VPC "${spec.vpc}" in namespace "${ref.namespace}"; create it or name another`);
    return undefined;
  }
  const { subnets } = specOf('VPC', object);
  if (Object.hasOwn(subnets, spec.subnet)) {
    seen.findings.push(unready(ref, 'spec.vpc', answer.resolution));
    return undefined;
  }
  const names = Object.keys(subnets).join('", "');
  seen.error('UnknownSubnet', 'spec.subnet', `VPC "${spec.vpc}" has no subnet "${spec.subnet}"; it has "${names}"`);
  return undefined;
};

const claimAddress = (object: Resource, vpc: string, { uid, l3vni, subnet }: Target, seen: Examination, view: View): Address | undefined => {
  const spec = specOf('VPCAttachment', object);
  const pool = hostPool(uid);
  if (spec.address !== undefined) {
    checkPin(addressOf(spec.address), subnet, seen);
    checkMapped(object, vpc, pool, addressOf(spec.address), seen, view);
  }
  if (seen.failed) return undefined;
  const demand = {
    pool,
    purpose: 'host',
    candidates: { type: 'addresses', prefix: subnet.prefix, except: [subnet.gateway] } as const,
    mustFit: true as const,
    unlessMapped: vpcScope(l3vni),
    path: 'spec.address',
    ...(spec.address === undefined ? {} : { pin: spec.address }),
  };
  const value = seen.claim(demand, { code: 'AddressInUse', relation: attachmentsByPin, key: `${vpc}|${spec.address}` });
  if (value === undefined) return undefined;
  const slice = sliceAt(view, vpc, addressOf(value));
  if (slice !== undefined) seen.findings.push(mappedToo(value, tenantRef('', slice.name).name));
  return addressOf(value);
};

/** An address that a slice spoke of first is not taken from the host there; who holds it already keeps it all the same. */
const checkMapped = (object: Resource, vpc: string, pool: string, address: Address, seen: Examination, view: View): void => {
  const slice = sliceAt(view, vpc, address);
  if (slice === undefined || slice.age > ageOf(object)) return;
  const { uid } = ownerOf(object);
  if (view.list(holdersByValue, `${pool}|${address}`).some((holder) => holder.uid === uid && !holder.quarantined)) return;
  const { name } = tenantRef('', slice.name);
  seen.error('AddressMapped', 'spec.address', `"${address}" is mapped by the older MappingSlice "${name}"; choose another or remove the mapping`);
};

const mappedToo = (address: string, slice: string) =>
  warning('AddressMapped', 'spec.address', `"${address}" is also mapped by MappingSlice "${slice}", which has no effect while this server has it; remove the mapping`);

const checkPin = (address: Address, { prefix, gateway }: ResolvedSubnet, seen: Examination): void => {
  const at = path('spec', 'address');
  if (!contains(prefix, address)) {
    seen.error('AddressOutsideSubnet', at, `"${address}" is outside the subnet "${prefix}"; choose one inside or leave it out`);
  } else if (!isHost(prefix, address)) {
    seen.error('AddressNotAHost', at, `"${address}" is the network or broadcast address of "${prefix}"; choose another`);
  }
  if (address === gateway) seen.error('AddressIsGateway', at, `"${address}" is the gateway of the subnet; choose another`);
};

/** Key: leaf. What would be on it if it could hold everything. */
const occupants = derivedIndex('occupants', 'VPCAttachment', placement, ({ value }) =>
  value === undefined ? [] : [{ key: value.leaf, value: { segment: value.segment, vrf: value.vrf, age: value.age } }],
);

interface Overflow {
  readonly segments: readonly Vni[];
  readonly vrfs: readonly string[];
}

/** Key: leaf and profile, with a blank between. What does not fit; whoever was attached first has room. */
const overflow = query('overflow', (view, key): Overflow => {
  const [leaf = '', profile = ''] = key.split(' ');
  const { segments, vrfs } = specNamed(view, 'SwitchProfile', profile)?.capacity ?? {};
  if (segments === undefined && vrfs === undefined) return { segments: [], vrfs: [] };
  const byAge = [...view.list(occupants, leaf)].sort((left, right) => byText(left.age, right.age));
  return {
    segments: [...new Set(byAge.map(({ segment }) => segment))].slice(segments ?? Infinity),
    vrfs: [...new Set(byAge.map(({ vrf }) => vrf))].slice(vrfs ?? Infinity),
  };
});

/** Key: `namespace/name`. */
export const attachmentResolution = query('attachment', (view, key): Resolution<ResolvedAttachment> => {
  const placed = view.query(placement, key);
  const { value, findings, demands } = placed;
  if (value === undefined) return placed;
  const { segments, vrfs } = view.query(overflow, `${value.leaf} ${value.profile}`);
  const full = segments.includes(value.segment) ? 'segments' : vrfs.includes(value.vrf) ? 'vrfs' : undefined;
  if (full === undefined) return placed;
  const message = `Switch "${value.leaf}" holds no more ${full}: capacity.${full} of its profile "${value.profile}" is used up; attach to another leaf`;
  return { demands, findings: [...findings, { severity: 'error', code: 'CapacityExceeded', path: 'spec.connection', message }] };
});

/** Key: `namespace/vpc`. Leaves where the VPC has an attachment. */
export const leavesOfVpc = derivedIndex('leavesOfVpc', 'VPCAttachment', attachmentResolution, ({ value }) =>
  value === undefined ? [] : [{ key: value.vpc, value: value.leaf }],
);

export const attachmentLayers = [subnetResolution, placement, occupants, overflow, attachmentResolution, leavesOfVpc];
