/**
 * What each leaf may lease by itself. A subnet lives on several leaves, each with a DHCP server of its own, so its range is
 * divided: blocks of it are claimed for a leaf, and no two leaves ever have the same. A leaf begins with one block and gets
 * more as its leases need room; a block with a lease in it is never taken away. Where requests are relayed, a leaf has one
 * address of its own to relay from, so that the answer comes back to it and not to another with the same gateway.
 *
 * What is in use is counted for each leaf, and what is free in a block is found for each block: a lease or an address that comes
 * costs what is near it, not the range.
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
import { bucketKey, bucketsWithin, heldInBucket, mappedInBucket } from './mapping.ts';
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

/** Key: bucket of `<namespace>/<vpc>/<subnet>|<leaf>`. Addresses that undeclared machines have from there. */
const leasesOfLeaf = index('leasesOfLeaf', 'DHCPLease', (object) => {
  const { vpc, subnet, address, switch: leaf, type } = specOf('DHCPLease', object);
  const value = type === 'Dynamic' ? ipv4Number(address as Address) : undefined;
  return value === undefined ? [] : [{ key: bucketKey(`${object.metadata.namespace ?? ''}/${vpc}/${subnet}|${leaf}`, value), value }];
});

/** How the range of a subnet is divided. Addresses are numbers; `from` and `to` are in it. */
interface Geometry {
  readonly network: number;
  readonly size: number;
  readonly from: number;
  readonly to: number;
}

const geometryOf = ({ prefix, range }: SubnetPlace['subnet']): Geometry => {
  const length = Math.max(prefixLength(prefix), Math.min(prefixLength(prefix) + mostBlocksBits, smallestBlockLength));
  const network = networkAddress(prefix);
  return { network: numberOf(network), size: 2 ** (32 - length), from: numberOf(range?.from ?? network), to: numberOf(range?.to ?? network) };
};

const blockAt = ({ network, size }: Geometry, address: number): number => Math.floor((address - network) / size);

interface LeaseUse {
  readonly leases: number;
  /** Numbers of the blocks with a lease in them. */
  readonly blocks: readonly number[];
}

const noUse: LeaseUse = { leases: 0, blocks: [] };

/** Key: bucket of `namespace/vpc/subnet|leaf`. What undeclared machines have of the range there. */
const leaseUseInBucket = query('leaseUseInBucket', (view, key): LeaseUse => {
  const { place } = view.query(subnetResolution, key.slice(0, key.indexOf('|')));
  if (place === undefined) return noUse;
  const geometry = geometryOf(place.subnet);
  const leased = view.list(leasesOfLeaf, key).filter((value) => value >= geometry.from && value <= geometry.to);
  return { leases: leased.length, blocks: distinct(leased.map((address) => blockAt(geometry, address))) };
});

/** Key: `namespace/vpc/subnet|leaf`. The same of all the range. */
const leaseUse = query('leaseUse', (view, key): LeaseUse => {
  const { place } = view.query(subnetResolution, key.slice(0, key.indexOf('|')));
  if (place === undefined) return noUse;
  const { from, to } = geometryOf(place.subnet);
  const parts = bucketsWithin(from, to).map((bucket) => view.query(leaseUseInBucket, bucketKey(key, bucket)));
  return { leases: parts.reduce((sum, { leases }) => sum + leases, 0), blocks: distinct(parts.flatMap(({ blocks }) => blocks)) };
});

/** In order. */
const distinct = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((one, other) => one - other);

type Piece = readonly [from: number, to: number];

/** Key: `namespace/vpc/subnet|block`. The block without what is somebody's already, as ranges. */
const freePieces = query('freePieces', (view, key): readonly Piece[] => {
  const bar = key.lastIndexOf('|');
  const { place } = view.query(subnetResolution, key.slice(0, bar));
  if (place === undefined) return [];
  const { vpc, overlay, subnet } = place;
  const geometry = geometryOf(subnet);
  const start = geometry.network + Number(key.slice(bar + 1)) * geometry.size;
  const [first, last] = [Math.max(start, geometry.from), Math.min(start + geometry.size - 1, geometry.to)];
  const near = bucketsWithin(first, last).flatMap((bucket) => [
    ...view.query(heldInBucket, bucketKey(overlay.hostPool, bucket)),
    ...view.query(mappedInBucket, bucketKey(vpc, bucket)),
  ]);
  const taken = distinct([...near, numberOf(subnet.gateway)].filter((address) => address >= first && address <= last));
  const pieces: Piece[] = [];
  let from = first;
  for (const address of [...taken, last + 1]) {
    if (address > from) pieces.push([from, address - 1]);
    from = address + 1;
  }
  return pieces;
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

export const leaseBlockLayers = [sharersOfSubnet, leasesOfLeaf, leaseUseInBucket, leaseUse, heldInBucket, mappedInBucket, freePieces, leaseShares];

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
  readonly #geometry: Geometry;
  /** Numbers of blocks in the claims of this pool, by purpose. */
  readonly #held: ReadonlyMap<string, number>;
  #left: number;

  constructor(key: string, place: SubnetPlace, segment: Vni, vpc: Resource, view: View) {
    this.#key = key;
    this.#place = place;
    this.#segment = segment;
    this.#view = view;
    this.#seen = new Examination(vpc, view);
    const { uid } = this.#seen.owner;
    this.#pool = blockPool(uid, place.name);
    this.#geometry = geometryOf(place.subnet);
    const claims = view.list(claimsByOwner, uid).flatMap((name) => view.at('Claim', name) ?? []).map((claim) => specOf('Claim', claim));
    const own = claims.filter(({ pool }) => pool === this.#pool);
    this.#held = new Map(own.map(({ purpose, value }) => [purpose, Number(value)]));
    this.#left = this.#blockOf(this.#geometry.to) - this.#blockOf(this.#geometry.from) + 1 - new Set(own.map(({ value }) => value)).size;
  }

  shares(): LeaseShares {
    const rows = this.#view.list(sharersOfSubnet, this.#key).flatMap((leaf) => this.#shareOf(leaf));
    return { rows, findings: this.#seen.findings, demands: this.#seen.demands };
  }

  #shareOf(leaf: string): ScopedRow[] {
    const use = this.#view.query(leaseUse, `${this.#key}|${leaf}`);
    const { size } = this.#geometry;
    const blocks: number[] = [];
    let room = -use.leases;
    // A quarter of a block at least, and half of what is in use, so that a crowd is served in few steps.
    const wanted = Math.max(Math.ceil(size / 4), Math.ceil(use.leases / 2));
    const last = Math.max(-1, ...this.#numbersOf(leaf));
    for (let number = 0; number <= last || (room < wanted && this.#left > 0); number++) {
      const purpose = purposeOf(leaf, number);
      const block = this.#held.get(purpose);
      const isUsed = block !== undefined && use.blocks.includes(block);
      if (number > 0 && !isUsed && room >= wanted) continue;
      if (block === undefined && this.#left <= 0) continue;
      if (block === undefined) this.#left -= 1;
      const claimed = this.#claim(purpose);
      room += claimed === undefined ? size : this.#capacity(claimed);
      if (claimed !== undefined) blocks.push(claimed);
    }
    if (room <= 0) this.#seen.findings.push(this.#usedUp(leaf, use.leases));
    return blocks.flatMap((block) => this.#pieces(block)).map(([from, to]) => rowOf(leaf, { segment: this.#segment, from: addressAt(from), to: addressAt(to) }));
  }

  /** Numbers that the blocks of a leaf have among themselves. */
  #numbersOf(leaf: string): number[] {
    const start = purposeOf(leaf, '');
    return [...this.#held.keys()].filter((purpose) => purpose.startsWith(start)).map((purpose) => Number(purpose.slice(start.length)));
  }

  #claim(purpose: string): number | undefined {
    const candidates = { type: 'numbers', from: this.#blockOf(this.#geometry.from), to: this.#blockOf(this.#geometry.to) } as const;
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
    return blockAt(this.#geometry, address);
  }

  #capacity(block: number): number {
    return this.#pieces(block).reduce((sum, [from, to]) => sum + to - from + 1, 0);
  }

  #pieces(block: number): readonly Piece[] {
    return this.#view.query(freePieces, `${this.#key}|${block}`);
  }
}

const purposeOf = (leaf: string, number: number | ''): string => `range/${leaf}/${number}`;

const numberOf = (address: string): number => ipv4Number(address as Address) ?? Number.NaN;

const addressAt = (value: number): Address => addressOfBits({ family: 4, value: BigInt(value) });
