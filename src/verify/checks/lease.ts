/** What DHCP may give out: reservations, and which leaf leases what. Pure. */
import { deviceScope, vpcScope } from '../../goal/rows.ts';
import { addressOfBits, ipv4Number } from '../../net/address.ts';
import type { Address, Vni } from '../../net/brand.ts';
import { networkAddress, prefixLength } from '../../net/prefix.ts';
import { at, isWithin } from '../../specify/refusals.ts';
import { textAddress, textMac, type Subnet, type Vpc } from '../../specify/networks.ts';
import { isAlike, ref, type Fault, type Scene } from '../fault.ts';
import type { Of } from '../state.ts';

export const checkReservations = (vni: number, { state, spec }: Scene): readonly Fault[] => {
  const scope = vpcScope(vni as Vni);
  const network = spec.networkOfVni(vni);
  if (network === undefined) return [];
  const said = 'subnets' in network ? spec.refusals.of('VPC', network.key) : [];
  const wanted = new Map<string, object>();
  const mayBe = new Set<string>();
  for (const subnet of 'subnets' in network ? network.subnets.values() : []) {
    for (const [text, { address }] of Object.entries(subnet.spec.dhcp.enabled ? (subnet.spec.dhcp.reservations ?? {}) : {})) {
      const mac = textMac(text);
      const path = at('spec', 'subnets', subnet.name, 'dhcp', 'reservations', text);
      const key = `${subnet.vni}/${mac}`;
      mayBe.add(key);
      if (subnet.vni !== undefined && !said.some((refusal) => isWithin(refusal, path))) wanted.set(key, { segment: subnet.vni, mac, address: textAddress(address) });
    }
  }
  const [objects, faults] = [[network.network], [] as Fault[]];
  for (const row of state.rows(scope, 'reservation')) {
    const expected = wanted.get(row.key);
    wanted.delete(row.key);
    if (isAlike(expected, row.value)) continue;
    const what = expected === undefined ? `is not reserved in "${network.network}"${mayBe.has(row.key) ? ' while somebody else has it' : ''}` : `must be "${JSON.stringify(expected)}"`;
    faults.push({ code: 'WrongLease', message: `the reservation "${row.key}" of "${row.value.address}" ${what}`, rows: [ref(scope, 'reservation', row.key)], objects });
  }
  for (const key of wanted.keys()) faults.push({ code: 'MissingRow', message: `"${network.network}" reserves an address for "${key}", but no row does: the machine gets another or none`, rows: [ref(scope, 'reservation', key)], objects });
  return faults;
};

/** Whether leaves have something to divide among them. */
const isShared = ({ spec: { dhcp } }: Subnet): boolean => dhcp.enabled && (dhcp.range !== undefined || dhcp.relay !== undefined);

interface Range {
  readonly from: number;
  readonly to: number;
}

const numberOf = (address: string): number => ipv4Number(address as Address) ?? Number.NaN;

/** What all leaves lease of one subnet. @param segment its L2VNI */
export const checkLeases = (segment: number, scene: Scene): readonly Fault[] => {
  const owner = scene.spec.subnetOfVni(segment);
  const subnet = owner?.vpc.subnets.get(owner.name);
  // Where nothing is leased, a range is a stray one.
  if (owner === undefined || subnet === undefined || !isShared(subnet)) return [];
  const devices = [...scene.spec.devicesOf(owner.vpc.network)];
  const given: { readonly range: Range; readonly device: string; readonly row: Of<'dhcpRange'> }[] = [];
  const faults: Fault[] = [];
  for (const device of devices) {
    const blocks = blocksOf(device, owner.vpc, subnet, scene);
    for (const row of rowsOf(device, segment, scene)) {
      const range = { from: numberOf(row.value.from), to: numberOf(row.value.to) };
      given.push({ range, device, row });
      faults.push(...rangeFaults(device, row, range, blocks, owner.vpc, subnet, scene));
    }
    faults.push(...missingFaults(device, segment, blocks, owner.vpc, subnet, scene));
  }
  given.sort((left, right) => left.range.from - right.range.from);
  for (const [index, { range, device, row }] of given.entries()) {
    const next = given[index + 1];
    if (next === undefined || next.range.from > range.to || !(range.from <= range.to)) continue;
    const rows = [ref(deviceScope(device), 'dhcpRange', row.key), ref(deviceScope(next.device), 'dhcpRange', next.row.key)];
    faults.push({ code: 'Duplicate', message: `"${device}" and "${next.device}" lease the same addresses of subnet "${subnet.key}", from "${next.row.value.from}" on`, rows, objects: [owner.vpc.network] });
  }
  return faults;
};

function* rowsOf(device: string, segment: number, { state }: Scene): Generator<Of<'dhcpRange'>> {
  for (const row of state.rows(deviceScope(device), 'dhcpRange')) if (row.value.segment === segment) yield row;
}

/** Parts that a subnet's range is divided into: 8 addresses, or a 64th of the subnet. */
const blockSize = ({ prefix }: Subnet): number => 2 ** (32 - Math.max(prefixLength(prefix), Math.min(prefixLength(prefix) + 6, 29)));
const mostBlocks = 64;

/** What a device may lease, by claims; a leaf that relays has one address to do it from. */
const blocksOf = (device: string, vpc: Vpc, subnet: Subnet, { spec: { claims } }: Scene): readonly Range[] => {
  const { dhcp } = subnet.spec;
  if (!dhcp.enabled) return [];
  if (dhcp.relay !== undefined) {
    const value = claims.value(vpc.uid, `host.${vpc.uid}`, `relay/${subnet.name}/${device}`);
    return value === undefined ? [] : [{ from: numberOf(value), to: numberOf(value) }];
  }
  const { range } = dhcp;
  if (range === undefined) return [];
  const [first, size] = [numberOf(networkAddress(subnet.prefix)), blockSize(subnet)];
  return Array.from({ length: mostBlocks }, (_, number) => claims.value(vpc.uid, `dhcp.${vpc.uid}.${subnet.name}`, `range/${device}/${number}`)).flatMap((block) => {
    const from = first + Number(block) * size;
    return block === undefined ? [] : [{ from: Math.max(from, numberOf(range.from)), to: Math.min(from + size - 1, numberOf(range.to)) }];
  });
};

const rangeFaults = (device: string, { key, value }: Of<'dhcpRange'>, { from, to }: Range, blocks: readonly Range[], vpc: Vpc, subnet: Subnet, { spec: { claims } }: Scene): Fault[] => {
  const rows = [ref(deviceScope(device), 'dhcpRange', key)];
  const own = blocks.filter((block) => block.from <= to && block.to >= from).toSorted((left, right) => left.from - right.from);
  let next = from;
  for (const block of own) if (block.from <= next) next = Math.max(next, block.to + 1);
  const what = `"${device}" leases "${value.from}" to "${value.to}" of subnet "${subnet.key}"`;
  const code = 'WrongLease';
  if (!(from <= to) || next <= to || key !== `${value.segment}/${value.from}`) return [{ code, message: `${what}, which was not given to it`, rows, objects: [vpc.network] }];
  if (subnet.spec.dhcp.relay !== undefined) return [];
  for (let each = from; each <= to; each++) {
    const address = addressOfBits({ family: 4, value: BigInt(each) });
    const [holder] = claims.holders(`host.${vpc.uid}`, address);
    if (holder !== undefined) return [{ code, message: `${what}, but "${address}" is that of ${holder.owner}`, rows, objects: [vpc.network, holder.owner] }];
    if (subnet.gateways.some((gateway) => gateway.startsWith(`${address}/`))) return [{ code, message: `${what}, but "${address}" is the gateway`, rows, objects: [vpc.network] }];
  }
  return [];
};

/** A leaf with servers in the subnet leases at least what is free of what it was given first. */
const missingFaults = (device: string, segment: number, blocks: readonly Range[], vpc: Vpc, subnet: Subnet, scene: Scene): Fault[] => {
  const [first] = blocks;
  const isThere = scene.spec.isInScope(subnet.key, deviceScope(device));
  if (first === undefined || !isThere || !rowsOf(device, segment, scene).next().done) return [];
  for (let each = first.from; each <= first.to; each++) {
    const address = addressOfBits({ family: 4, value: BigInt(each) });
    const isRelay = subnet.spec.dhcp.relay !== undefined;
    const isTaken = scene.spec.claims.holders(`host.${vpc.uid}`, address).length > 0 || scene.spec.mappings.said(vpc.key, address).length > 0 || subnet.gateways.some((gateway) => gateway.startsWith(`${address}/`));
    if (isTaken && !isRelay) continue;
    const message = isRelay ? `"${device}" has no address to relay the requests of subnet "${subnet.key}" from` : `"${device}" leases nothing of the range of subnet "${subnet.key}", though it was given a part`;
    return [{ code: 'MissingRow', message, rows: [ref(deviceScope(device), 'dhcpRange', `${segment}/${address}`)], objects: [vpc.network] }];
  }
  return [];
};

/** A range where no server of its subnet is. @param key of the row */
export const checkStrayLease = (scope: string, key: string, { state, spec }: Scene): readonly Fault[] => {
  const row = state.row(scope, 'dhcpRange', key);
  const owner = row && spec.subnetOfVni(row.value.segment);
  const device = scope.slice('device/'.length);
  const subnet = owner?.vpc.subnets.get(owner.name);
  if (row === undefined || (owner !== undefined && subnet !== undefined && isShared(subnet) && spec.isPresent(owner.vpc.network, device))) return [];
  const objects = [owner?.vpc.network ?? spec.claims.lastOwner(row.value.segment) ?? `Switch/${device}`];
  return [{ code: 'StaleRow', message: `"${device}" leases addresses of segment ${row.value.segment}, but its subnet has nothing to lease there`, rows: [ref(scope, 'dhcpRange', key)], objects }];
};
