/**
 * What a user might want, by chance: a small fabric, and one change of the intent after another. Keeps what the API accepted,
 * from which the oracle knows what every device may hold.
 */
import { apiVersion, refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { ResourceClient } from '../api/client.ts';
import { HeddleError } from '../kit/error.ts';
import type { Random } from '../simulate/random.ts';

export interface VpcWish {
  readonly subnets: { readonly [name: string]: { readonly cidr: string; readonly dhcp: { readonly dnsServers: readonly string[] } } };
}

export interface AttachmentWish {
  readonly vpc: string;
  readonly subnet: string;
  readonly connection: string;
}

export interface PeeringWish {
  readonly permit: readonly [readonly [{ readonly vpc: string }, { readonly vpc: string }]];
}

export type Edit =
  | { readonly type: 'put'; readonly object: Resource }
  | { readonly type: 'delete'; readonly ref: ObjectRef };

const namespace = 'default';
const vpcNames = ['red', 'green', 'blue', 'gold', 'grey'] as const;
const subnetNames = ['front', 'back'] as const;

const clusterObject = (kind: string, name: string, spec: unknown): Resource => ({ apiVersion, kind, metadata: { name }, spec });
const tenantObject = (kind: string, name: string, spec: unknown): Resource => ({ apiVersion, kind, metadata: { name, namespace }, spec });

export const clusterRef = (kind: string, name: string): ObjectRef => ({ kind, namespace: '', name });
export const tenantRef = (kind: string, name: string): ObjectRef => ({ kind, namespace, name });

/** The fabric that a run begins with. Numbers of ports are those of the profile `linux-soft`. */
export interface Fabric {
  readonly objects: readonly Resource[];
  /** Spines and leaves. */
  readonly devices: readonly string[];
  readonly leaves: readonly string[];
  /** Connections between a server and a leaf, with the leaf and its port. */
  readonly ports: ReadonlyMap<string, { readonly leaf: string; readonly port: string }>;
}

export const anyFabric = (random: Random): Fabric => {
  const spines = names('spine', 1 + random.below(2));
  const leaves = names('leaf', 5 + random.below(6));
  const ports = new Map<string, { leaf: string; port: string }>();
  const objects = [
    clusterObject('Fabric', 'default', {
      underlay: { routerIDs: '172.16.0.0/16', vteps: '172.17.0.0/16' },
      safety: anySafety(random),
    }),
    clusterObject('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] }),
    ...spines.map((name) => clusterObject('Switch', name, { role: 'spine' })),
    ...leaves.map(leafObject),
  ];
  for (const [index, leaf] of leaves.entries()) {
    for (const [uplink, spine] of spines.entries()) {
      objects.push(connection(`${leaf}-${spine}`, `${spine}/E1/${index + 1}`, `${leaf}/E1/${49 + uplink}`));
    }
    for (let number = 1; number <= 2; number += 1) {
      const server = `server-${index + 1}-${number}`;
      const mac = `02:00:00:00:${hex(index + 1)}:${hex(number)}`;
      objects.push(clusterObject('Server', server, { ports: { eth1: { mac } } }));
      objects.push(connection(`${server}--${leaf}`, `${server}/eth1`, `${leaf}/E1/${number}`));
      ports.set(`${server}--${leaf}`, { leaf, port: `E1/${number}` });
    }
  }
  return { objects, devices: [...spines, ...leaves], leaves, ports };
};

/** Mostly so wide that nothing is held back; else so narrow that much is, until it is allowed. */
const anySafety = (random: Random): object =>
  random.chance(0.7)
    ? { minDeletedRows: 1_000_000, minDevices: 100_000 }
    : {
        maxDeletedPercent: 20 + random.below(60),
        minDeletedRows: random.below(12),
        minDevices: random.below(4),
        windowSeconds: random.below(3),
      };

const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${kind}-${index + 1}`);
const hex = (number: number): string => number.toString(16).padStart(2, '0');
const leafObject = (name: string): Resource => clusterObject('Switch', name, { role: 'leaf' });
const connection = (name: string, left: string, right: string): Resource =>
  clusterObject('Connection', name, { links: [{ ends: [left, right] }] });

/** The intent as it is now, and the only one who changes it. */
export class Intent {
  readonly fabric: Fabric;
  readonly #random: Random;
  readonly #objects = new Map<string, Resource>();
  #changes = 0;

  constructor(fabric: Fabric, random: Random) {
    this.fabric = fabric;
    this.#random = random;
    for (const object of fabric.objects) this.#objects.set(refKey(refOf(object)), object);
  }

  objects(): readonly Resource[] {
    return [...this.#objects.values()];
  }

  ofKind(kind: string): readonly Resource[] {
    return this.objects().filter((object) => object.kind === kind);
  }

  has(ref: ObjectRef): boolean {
    return this.#objects.has(refKey(ref));
  }

  /** A change that makes sense more often than not. */
  next(): Edit {
    const random = this.#random;
    const wishes: readonly (readonly [number, () => Edit | undefined])[] = [
      [5, () => this.#putVpc()],
      [2, () => this.#deleteAny('VPC')],
      [8, () => this.#attach()],
      [4, () => this.#deleteAny('VPCAttachment')],
      [3, () => this.#peer()],
      [2, () => this.#deleteAny('VPCPeering')],
      [1, () => this.#removeLeaf()],
      [2, () => this.#returnLeaf()],
      [1, () => this.#removeCable()],
      [2, () => this.#returnCable()],
      [1, () => this.#exchangeCard()],
      [3, () => this.#putSlice()],
      [1, () => this.#deleteAny('MappingSlice')],
    ];
    const total = wishes.reduce((sum, [weight]) => sum + weight, 0);
    for (;;) {
      let left = random.below(total);
      const edit = wishes.find(([weight]) => (left -= weight) < 0)?.[1]();
      if (edit !== undefined) return edit;
    }
  }

  /** What there will be once the edit is accepted. */
  after(edit: Edit): readonly Resource[] {
    const key = refKey(refOfEdit(edit));
    const rest = this.objects().filter((object) => refKey(refOf(object)) !== key);
    return edit.type === 'put' ? [...rest, edit.object] : rest;
  }

  /** The API accepted the edit. */
  accept(edit: Edit): void {
    const key = refKey(refOfEdit(edit));
    if (edit.type === 'put') this.#objects.set(key, edit.object);
    else this.#objects.delete(key);
  }

  #putVpc(): Edit {
    const name = this.#random.pick(vpcNames) ?? 'red';
    const number = vpcNames.indexOf(name) + 1;
    this.#changes += 1;
    // Tells in every row of the segment which change of the VPC it is of.
    const mark = `10.255.${this.#changes >> 8}.${(this.#changes & 0xff) + 1}`;
    const wanted = subnetNames.filter((subnet) => subnet === 'front' || this.#random.chance(0.6));
    // Sometimes a subnet of another VPC's addresses, which is then a finding.
    const taken = this.#random.chance(0.1) ? this.#random.below(5) + 1 : number;
    const subnets = wanted.map((subnet, index) => [subnet, { cidr: `10.${taken}.${index}.0/24`, dhcp: { dnsServers: [mark] } }]);
    return { type: 'put', object: tenantObject('VPC', name, { subnets: Object.fromEntries(subnets) }) };
  }

  #attach(): Edit | undefined {
    const used = new Set(this.ofKind('VPCAttachment').map((object) => (object.spec as AttachmentWish).connection));
    const all = [...this.fabric.ports.keys()];
    const free = all.filter((name) => !used.has(name));
    const chosen = this.#random.pick(this.#random.chance(0.1) ? all : free);
    const vpc = this.#random.chance(0.05) ? 'nowhere' : this.#vpcName();
    if (chosen === undefined || vpc === undefined) return undefined;
    const spec: AttachmentWish = { vpc, subnet: this.#random.chance(0.7) ? 'front' : 'back', connection: chosen };
    // A name of a few, so that some attachments are changed in place.
    return { type: 'put', object: tenantObject('VPCAttachment', `a-${this.#random.below(2 * all.length)}`, spec) };
  }

  #peer(): Edit | undefined {
    const [left, right] = [this.#vpcName(), this.#vpcName()];
    if (left === undefined || right === undefined || left === right) return undefined;
    const spec: PeeringWish = { permit: [[{ vpc: left }, { vpc: right }]] };
    return { type: 'put', object: tenantObject('VPCPeering', [left, right].toSorted().join('--'), spec) };
  }

  #vpcName(): string | undefined {
    return this.#random.pick(this.ofKind('VPC'))?.metadata.name;
  }

  #deleteAny(kind: string): Edit | undefined {
    const object = this.#random.pick(this.ofKind(kind));
    return object === undefined ? undefined : { type: 'delete', ref: refOf(object) };
  }

  /** A few hosts that nobody manages, in addresses that no attachment is given. */
  #putSlice(): Edit | undefined {
    const vpc = this.#random.pick(this.ofKind('VPC'));
    if (vpc === undefined) return undefined;
    const [subnet] = Object.values((vpc.spec as VpcWish).subnets);
    const prefix = (subnet?.cidr ?? '').replace(/0\/24$/, '');
    const mappings = Array.from({ length: 1 + this.#random.below(5) }, (_, index) => ({
      address: `${prefix}${200 + index}`,
      mac: `02:aa:00:00:00:${hex(this.#random.below(256))}`,
      vtep: `172.30.0.${1 + this.#random.below(4)}`,
    }));
    const { name } = vpc.metadata;
    return { type: 'put', object: tenantObject('MappingSlice', `hosts-of-${name}`, { vpc: name, mappings }) };
  }

  #removeCable(): Edit | undefined {
    const name = this.#random.pick([...this.fabric.ports.keys()].filter((each) => this.has(clusterRef('Connection', each))));
    return name === undefined ? undefined : { type: 'delete', ref: clusterRef('Connection', name) };
  }

  #returnCable(): Edit | undefined {
    const missing = (each: Resource): boolean => each.kind === 'Connection' && !this.has(refOf(each));
    const object = this.#random.pick(this.fabric.objects.filter(missing));
    return object === undefined ? undefined : { type: 'put', object };
  }

  /** A server gets another network card. */
  #exchangeCard(): Edit | undefined {
    const server = this.#random.pick(this.ofKind('Server'));
    if (server === undefined) return undefined;
    const mac = `02:bb:00:00:${hex(this.#random.below(256))}:${hex(this.#random.below(256))}`;
    return { type: 'put', object: { ...server, spec: { ports: { eth1: { mac } } } } };
  }

  #removeLeaf(): Edit | undefined {
    const leaf = this.#random.pick(this.fabric.leaves.filter((name) => this.has(clusterRef('Switch', name))));
    return leaf === undefined ? undefined : { type: 'delete', ref: clusterRef('Switch', leaf) };
  }

  #returnLeaf(): Edit | undefined {
    const leaf = this.#random.pick(this.fabric.leaves.filter((name) => !this.has(clusterRef('Switch', name))));
    return leaf === undefined ? undefined : { type: 'put', object: leafObject(leaf) };
  }
}

export const refOfEdit = (edit: Edit): ObjectRef => (edit.type === 'put' ? refOf(edit.object) : edit.ref);

/** `create VPC/default/red`, for the log of events. */
export const describeEdit = (edit: Edit): string => {
  const { kind, name } = refOfEdit(edit);
  return edit.type === 'delete' ? `delete ${kind} ${name}` : `put ${kind} ${name} ${JSON.stringify(edit.object.spec)}`;
};

/** Asks the API for it, as a user who wants exactly this. Answers the object as it is stored; undefined for one deleted. */
export const perform = async (client: ResourceClient, edit: Edit): Promise<Resource | undefined | 'refused'> => {
  try {
    if (edit.type === 'put') return await put(client, edit.object);
    await client.delete(edit.ref);
    if (edit.ref.kind === 'Switch') await letGo(client, edit.ref);
    return undefined;
  } catch (thrown) {
    const { code } = HeddleError.from(thrown);
    if (code === 'Invalid' || code === 'NotFound') return 'refused';
    throw thrown;
  }
};

/** Its links stay, and would hold it back: whoever takes away a switch that burns takes its finalizer away too. */
const letGo = async (client: ResourceClient, ref: ObjectRef): Promise<void> => {
  if ((await find(client, ref)) !== undefined) await client.patch(ref, { metadata: { finalizers: [] } });
};

const put = async (client: ResourceClient, object: Resource): Promise<Resource> => {
  for (;;) {
    try {
      const current = await find(client, refOf(object));
      return current === undefined ? await client.create(object) : await client.update({ ...current, spec: object.spec });
    } catch (thrown) {
      const { code } = HeddleError.from(thrown);
      // Somebody wrote its status in between.
      if (code !== 'Conflict' && code !== 'AlreadyExists') throw thrown;
    }
  }
};

const find = async (client: ResourceClient, ref: ObjectRef): Promise<Resource | undefined> => {
  try {
    return await client.get(ref);
  } catch (thrown) {
    if (HeddleError.from(thrown).code === 'NotFound') return undefined;
    throw thrown;
  }
};
