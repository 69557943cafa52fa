/**
 * What each leaf may lease by itself. A subnet lives on several leaves, each with a DHCP server of its own, so its range is
 * divided: blocks of it are claimed for a leaf, and no two leaves ever have the same. A leaf begins with one block and gets
 * more as its leases need room; a block with a lease in it is never taken away. Where requests are relayed, a leaf has one
 * address of its own to relay from, so that the answer comes back to it and not to another with the same gateway.
 */
import type { Resource } from '../../api/object.ts';
import { deviceScope, type DhcpRangeRow, type Row } from '../../goal/rows.ts';
import { addressOfBits, ipv4Number } from '../../net/address.ts';
import type { Address, Vni } from '../../net/brand.ts';
import { networkAddress, prefixLength } from '../../net/prefix.ts';
import { warning, type CompileFinding } from '../finding.ts';
import type { Demand } from '../demand.ts';
import { path, specOf } from '../intent.ts';
import { claimsByOwner } from '../relations.ts';
import { derivedIndex, index, query, type ScopedRow, type View } from '../view.ts';
import { attachmentResolution } from './admission.ts';
import { subnetResolution, type SubnetPlace } from './attachment.ts';
import { bucketsOf, hostAddresses, slicesByBucket } from './mapping.ts';
import { Examination } from './resolution.ts';

/** Addresses of a block, unless the subnet is so large that there would be more than 64 blocks. */
const smallestBlockLength = 29;
const mostBlocksBits = 6;

/** Key: `namespace/vpc/subnet`. Leaves where something is attached to a subnet that is divided among them. */
export const sharersOfSubnet = derivedIndex('sharersOfSubnet', 'VPCAttachment', attachmentResolution, ({ value }) => {
  if (value === undefined) return [];
  const { vpc, name, subnet } = value.place;
  if (subnet.range === undefined && subnet.dhcp?.relay === undefined) return [];
  return value.connection.legs.map(({ leaf }) => ({ key: `${vpc}/${name}`, value: leaf.name }));
});

/** Key: `<namespace>/<vpc>/<subnet>|<leaf>`. Addresses that undeclared machines have from there. */
const leasesOfLeaf = index('leasesOfLeaf', 'DHCPLease', (object) => {
  const { vpc, subnet, address, switch: leaf, type } = specOf('DHCPLease', object);
  return type === 'Dynamic' ? [{ key: `${object.metadata.namespace ?? ''}/${vpc}/${subnet}|${leaf}`, value: address }] : [];
});

export interface LeaseShares {
  readonly rows: readonly ScopedRow[];
  readonly findings: readonly CompileFinding[];
  readonly demands: readonly Demand[];
}

const noShares: LeaseShares = { rows: [], findings: [], demands: [] };

/** Key: `namespace/vpc/subnet`. */
export const leaseShares = query('leaseShares', (view, key): LeaseShares => {
  const { place } = view.query(subnetResolution, key);
  const segment = place?.subnet.vni;
  if (place === undefined || segment === undefined) return noShares;
  const { kind, namespace, name } = place.overlay.vpc;
  const vpc = view.get(kind, namespace, name);
  if (vpc === undefined) return noShares;
  if (place.subnet.dhcp?.relay !== undefined) return relaySources(key, place, segment, vpc, view);
  return place.subnet.range === undefined ? noShares : new Division(key, place, segment, vpc, view).shares();
});

export const leaseBlockLayers = [sharersOfSubnet, leasesOfLeaf, leaseShares];

const relaySources = (key: string, { name, overlay, subnet }: SubnetPlace, segment: Vni, vpc: Resource, view: View): LeaseShares => {
  const seen = new Examination(vpc, view);
  const at = path('spec', 'subnets', name, 'dhcp', 'relay');
  const rows = view.list(sharersOfSubnet, key).flatMap((leaf) => {
    const demand = { pool: overlay.hostPool, purpose: `relay/${name}/${leaf}`, owner: seen.owner, candidates: subnet.hosts, mustFit: true as const, path: at };
    const address = seen.claim({ ...demand, unlessMapped: overlay.scope });
    return address === undefined ? [] : [rowOf(leaf, { segment, from: address as Address, to: address as Address })];
  });
  return { rows, findings: seen.findings, demands: seen.demands };
};

const rowOf = (leaf: string, value: DhcpRangeRow): ScopedRow => {
  const row: Row = { table: 'dhcpRange', key: `${value.segment}/${value.from}`, value };
  return { scope: deviceScope(leaf), row, from: [] };
};

/** Pool that the blocks of a subnet's range are taken from; a value is the number of a block, counted from the network address. */
export const blockPool = (vpcUid: string, subnet: string): string => `dhcp.${vpcUid}.${subnet}`;

class Division {
  readonly #key: string;
  readonly #place: SubnetPlace;
  readonly #segment: Vni;
  readonly #view: View;
  readonly #seen: Examination;
  readonly #pool: string;
  readonly #size: number;
  readonly #network: number;
  readonly #from: number;
  readonly #to: number;
  /** Addresses inside the range that are somebody's already. */
  readonly #taken: ReadonlySet<number>;
  /** Numbers of blocks in the claims of this pool, by purpose. */
  readonly #held: ReadonlyMap<string, number>;
  #left: number;

  constructor(key: string, place: SubnetPlace, segment: Vni, vpc: Resource, view: View) {
    const { prefix, range } = place.subnet;
    this.#key = key;
    this.#place = place;
    this.#segment = segment;
    this.#view = view;
    this.#seen = new Examination(vpc, view);
    const { uid } = this.#seen.owner;
    this.#pool = blockPool(uid, place.name);
    const length = Math.max(prefixLength(prefix), Math.min(prefixLength(prefix) + mostBlocksBits, smallestBlockLength));
    this.#size = 2 ** (32 - length);
    this.#network = numberOf(networkAddress(prefix));
    this.#from = numberOf(range?.from ?? networkAddress(prefix));
    this.#to = numberOf(range?.to ?? networkAddress(prefix));
    this.#taken = this.#takenAddresses();
    const claims = view.list(claimsByOwner, uid).flatMap((name) => view.at('Claim', name) ?? []).map((claim) => specOf('Claim', claim));
    const own = claims.filter(({ pool }) => pool === this.#pool);
    this.#held = new Map(own.map(({ purpose, value }) => [purpose, Number(value)]));
    this.#left = this.#blockOf(this.#to) - this.#blockOf(this.#from) + 1 - new Set(own.map(({ value }) => value)).size;
  }

  shares(): LeaseShares {
    const rows = this.#view.list(sharersOfSubnet, this.#key).flatMap((leaf) => this.#shareOf(leaf));
    return { rows, findings: this.#seen.findings, demands: this.#seen.demands };
  }

  #shareOf(leaf: string): ScopedRow[] {
    const leased = this.#view.list(leasesOfLeaf, `${this.#key}|${leaf}`).map(numberOf).filter((value) => value >= this.#from && value <= this.#to);
    const blocks: number[] = [];
    let room = -leased.length;
    // A quarter of a block at least, and half of what is in use, so that a crowd is served in few steps.
    const wanted = Math.max(Math.ceil(this.#size / 4), Math.ceil(leased.length / 2));
    const last = Math.max(-1, ...this.#numbersOf(leaf));
    for (let number = 0; number <= last || (room < wanted && this.#left > 0); number++) {
      const purpose = purposeOf(leaf, number);
      const block = this.#held.get(purpose);
      const isUsed = block !== undefined && leased.some((address) => this.#blockOf(address) === block);
      if (number > 0 && !isUsed && room >= wanted) continue;
      if (block === undefined && this.#left <= 0) continue;
      if (block === undefined) this.#left -= 1;
      const claimed = this.#claim(purpose);
      room += claimed === undefined ? this.#size : this.#capacity(claimed);
      if (claimed !== undefined) blocks.push(claimed);
    }
    if (room <= 0) this.#seen.findings.push(this.#usedUp(leaf, leased.length));
    return blocks.flatMap((block) => this.#pieces(block)).map(([from, to]) => rowOf(leaf, { segment: this.#segment, from: addressAt(from), to: addressAt(to) }));
  }

  /** Numbers that the blocks of a leaf have among themselves. */
  #numbersOf(leaf: string): number[] {
    const start = purposeOf(leaf, '');
    return [...this.#held.keys()].filter((purpose) => purpose.startsWith(start)).map((purpose) => Number(purpose.slice(start.length)));
  }

  #claim(purpose: string): number | undefined {
    const candidates = { type: 'numbers', from: this.#blockOf(this.#from), to: this.#blockOf(this.#to) } as const;
    const value = this.#seen.claim({ pool: this.#pool, purpose, owner: this.#seen.owner, candidates, mustFit: true, path: this.#path() });
    return value === undefined ? undefined : Number(value);
  }

  #path(): string {
    return path('spec', 'subnets', this.#place.name, 'dhcp', 'range');
  }

  #usedUp(leaf: string, leases: number): CompileFinding {
    const message = `nothing of the range is left for Switch "${leaf}", where ${leases} addresses of it are leased: undeclared machines there get no address; widen the range`;
    return warning('RangeUsedUp', this.#path(), message);
  }

  #blockOf(address: number): number {
    return Math.floor((address - this.#network) / this.#size);
  }

  #bounds(block: number): readonly [first: number, last: number] {
    const first = this.#network + block * this.#size;
    return [Math.max(first, this.#from), Math.min(first + this.#size - 1, this.#to)];
  }

  #capacity(block: number): number {
    return this.#pieces(block).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  /** The block without what is somebody's already, as ranges. */
  #pieces(block: number): (readonly [from: number, to: number])[] {
    const [first, last] = this.#bounds(block);
    const pieces: [number, number][] = [];
    for (let address = first; address <= last; address++) {
      if (this.#taken.has(address)) continue;
      const piece = pieces.at(-1);
      if (piece?.[1] === address - 1) piece[1] = address;
      else pieces.push([address, address]);
    }
    return pieces;
  }

  #takenAddresses(): ReadonlySet<number> {
    const { vpc, overlay, subnet } = this.#place;
    const [from, to] = [this.#from, this.#to];
    const step = 1024;
    const marks = Array.from({ length: Math.floor(to / step) - Math.floor(from / step) + 1 }, (_, index) => from + index * step);
    const held = bucketsOf(overlay.hostPool, [...marks, to]).flatMap((bucket) => this.#view.list(hostAddresses, bucket));
    const slices = new Set(bucketsOf(vpc, [...marks, to]).flatMap((bucket) => this.#view.list(slicesByBucket, bucket)));
    const mapped = [...slices].flatMap((slice) => {
      const object = this.#view.at('MappingSlice', slice);
      return object === undefined ? [] : specOf('MappingSlice', object).mappings.map(({ address }) => address);
    });
    return new Set([subnet.gateway, ...held, ...mapped].map(numberOf));
  }
}

const purposeOf = (leaf: string, number: number | ''): string => `range/${leaf}/${number}`;

const numberOf = (address: string): number => ipv4Number(address as Address) ?? Number.NaN;

const addressAt = (value: number): Address => addressOfBits({ family: 4, value: BigInt(value) });
