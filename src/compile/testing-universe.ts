/** Objects that collide with one another in every way that is checked, and random histories of them. For tests. */
import * as fc from 'fast-check';
import { refKey, refOf, type Resource } from '../api/object.ts';
import { createCompiler } from './compiler.ts';
import type { Compiler, ObjectChange } from './engine.ts';
import * as make from './fixture.ts';

/** The same of another tenant. */
const elsewhere = (object: Resource): Resource => ({ ...object, metadata: { ...object.metadata, namespace: 'elsewhere' } });

const labelled = (labels: Record<string, string>, object: Resource): Resource => ({ ...object, metadata: { ...object.metadata, labels } });

const guard = (name: string, spec: object): Resource => make.object('SecurityPolicy', name, { vpc: 'shop', ...spec });
const byApp = (app: string): object => ({ attachments: { matchLabels: { app } } });
const kept = { front: { cidr: '10.1.1.0/24', isolated: true, labels: { zone: 'edge' } }, back: { cidr: '10.1.2.0/24', restricted: true }, side: { cidr: '10.1.3.0/24' } };

const met = (address: string, neighbor: string, vlan?: number): object => ({ connection: 'out', address, neighbor: { address: neighbor, asn: 65010 }, ...(vlan !== undefined && { vlan }) });

/** Objects that may be there or not, each in several versions that collide with one another in every way we check. */
const universe: readonly (readonly Resource[])[] = [
  [
    make.fabric(),
    make.fabric({ underlay: { links: 'numbered', mtu: 1600 } }),
    make.fabric({ underlay: { bfd: { enabled: false } }, reserved: ['10.2.0.0/16'], overlay: { externalVTEPs: ['192.0.2.9/32'] } }),
  ],
  [make.profile(), make.profile({ segments: 1, hosts: 2 }), make.profile({ vrfs: 1, mappings: 2, routes: 3 })],
  [make.addressSpace('default', '10.0.0.0/8'), make.addressSpace('default', '10.1.0.0/16')],
  [make.addressSpace('other', '10.0.0.0/8')],
  [make.switchOf('spine-1', 'spine'), make.switchOf('spine-1', 'leaf')],
  [make.switchOf('leaf-1', 'leaf'), make.switchOf('leaf-1', 'leaf', { asn: 65001, routerID: '172.30.9.1' }, { born: 5 })],
  [make.switchOf('leaf-2', 'leaf'), make.switchOf('leaf-2', 'border', { asn: 65001, vtep: '172.30.9.1' }, { uid: 'leaf-2-again' })],
  [make.server('a1', 1), make.server('a1', 2), make.object('Server', 'a1', { ports: { eth1: {}, eth2: {} } })],
  [make.server('a2', 2)],
  [make.server('b1', 3), make.switchOf('b1', 'leaf')],
  [make.connection('up-1', [['spine-1/E1/1', 'leaf-1/E1/49']]), make.connection('up-1', [['spine-1/E1/2', 'leaf-1/E1/49']])],
  [make.connection('up-2', [['spine-1/E1/2', 'leaf-2/E1/49']]), make.connection('up-2', [['spine-1/E1/2', 'leaf-2/E1/99']])],
  [
    make.connection('a1', [['a1/eth1', 'leaf-1/E1/1']]),
    make.connection('a1', [['a1/eth1', 'leaf-1/E1/1'], ['leaf-1/E1/2', 'a1/eth2']], { mtu: 1500 }),
    make.connection('a1', [['a1/eth1', 'leaf-1/E1/1'], ['a1/eth2', 'leaf-2/E1/2']]),
  ],
  [make.connection('a2', [['a2/eth1', 'leaf-2/E1/1']]), make.connection('a2', [['a2/eth1', 'leaf-1/E1/1']], {}, { born: 9 })],
  [make.connection('b1', [['b1/eth1', 'leaf-1/E1/2']]), make.connection('b1', [['b1/eth1', 'leaf-2/E1/1']])],
  [
    make.vpc('shop', { front: '10.1.1.0/24', back: '10.1.2.0/24' }),
    make.vpc('shop', { front: '10.1.1.0/24' }, { addressSpace: 'other' }, { uid: 'shop-again', born: 7 }),
    make.vpc('shop', { front: '10.2.0.0/16', back: '10.1.2.0/24' }),
    make.object('VPC', 'shop', { subnets: kept, permit: [['front', 'side']] }),
  ],
  [
    make.vpc('lab', { front: '10.2.1.0/24' }, {}, { born: 3 }),
    make.vpc('lab', { front: '10.1.0.0/16', back: '10.3.0.0/24' }, {}, { born: 3 }),
  ],
  [
    make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1' }),
    make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1', address: '10.1.1.9' }),
    make.attachment('a1', { vpc: 'lab', subnet: 'back', connection: 'a1' }),
    labelled({ app: 'web' }, make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1' })),
  ],
  [
    make.attachment('a2', { vpc: 'shop', subnet: 'back', connection: 'a2' }),
    labelled({ app: 'db' }, make.attachment('a2', { vpc: 'shop', subnet: 'back', connection: 'a2' })),
    make.attachment('a2', { vpc: 'shop', subnet: 'front', connection: 'a2', address: '10.1.1.9' }, { uid: 'a2-again', born: 2 }),
    make.attachment('a2', { vpc: 'lab', subnet: 'front', connection: 'a1' }, { born: 2 }),
  ],
  [make.attachment('b1', { vpc: 'lab', subnet: 'front', connection: 'b1' }), make.attachment('b1', { vpc: 'lab', subnet: 'front', connection: 'up-1' })],
  [
    make.peering('one', [[{ vpc: 'shop' }, { vpc: 'lab' }]]),
    make.peering('one', [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'lab', subnets: ['front'] }]]),
    make.peering('one', [[{ vpc: 'shop' }, { vpc: 'lab' }]], { uid: 'one-again', born: 9 }),
  ],
  [
    make.mappingSlice('one', 'shop', ['10.1.1.9', '10.1.1.20', '10.1.2.7']),
    make.mappingSlice('one', 'shop', ['10.1.1.2', '10.1.1.20', '10.1.1.1', '10.9.9.9'], { subnet: 'front' }, { born: 4 }),
    make.mappingSlice('one', 'lab', ['10.2.1.2', '10.1.2.7', '10.1.1.9'], {}, { uid: 'slice-again', born: 4 }),
  ],
  [
    make.mappingSlice('two', 'shop', [{ address: '10.1.1.20', mac: '0a:00:00:00:00:14', vtep: '192.0.2.9' }, '10.1.2.7'], {}, { born: 1 }),
    make.mappingSlice('two', 'lab', ['10.1.1.9', '10.2.1.3'], { subnet: 'front' }, { born: 8 }),
    make.mappingSlice('two', 'shop', [{ address: '10.1.2.8', mac: '0a:00:00:00:00:08', vtep: '192.0.2.9', vni: 77 }], { subnet: 'back' }),
  ],
  [elsewhere(make.vpc('abroad', { front: '10.4.1.0/24' }))],
  [0, 6, 12].map((born) => elsewhere(make.mappingSlice('abroad', 'abroad', [{ address: '10.4.1.8', mac: '0a:00:00:00:00:08', vtep: '192.0.2.9', vni: 77 }], {}, { born }))),
  [make.switchOf('border', 'border')],
  [make.connection('out', [['ext/p1', 'border/E1/3']]), make.connection('out', [['ext/p1', 'leaf-2/E1/3']]), make.connection('out', [['ext2/p1', 'border/E1/1']])],
  [
    make.object('External', 'ext', { bgp: { inboundCommunity: '1:1' }, attachments: [met('192.0.2.1/31', '192.0.2.0')] }),
    make.object('External', 'ext', { addressSpace: 'other', bgp: {}, attachments: [met('192.0.2.1/31', '192.0.2.0'), met('192.0.2.3/31', '192.0.2.2', 7)] }, { uid: 'ext-again', born: 9 }),
    make.object('External', 'ext', { static: { prefixes: ['203.0.113.0/24', '10.1.0.0/24'] }, attachments: [{ connection: 'out', address: '192.0.2.1/31', nextHop: '192.0.2.0' }] }),
  ],
  [make.object('External', 'ext2', { bgp: {}, attachments: [met('192.0.2.1/31', '192.0.2.0')] }, { born: 2 }), make.object('External', 'ext2', { bgp: {} })],
  [
    make.object('ExternalPeering', 'one', { vpc: 'shop', external: 'ext', prefixes: ['0.0.0.0/0'] }),
    make.object('ExternalPeering', 'one', { vpc: 'shop', subnets: ['front'], external: 'ext', prefixes: ['203.0.113.0/24', '10.1.0.0/24'] }),
    make.object('ExternalPeering', 'one', { vpc: 'lab', external: 'ext2', prefixes: ['0.0.0.0/0'] }, { uid: 'out-again', born: 9 }),
  ],
  [
    make.object('ExternalPeering', 'two', { vpc: 'shop', external: 'ext2', prefixes: ['0.0.0.0/0', '198.51.100.0/24'] }, { born: 5 }),
    make.object('ExternalPeering', 'two', { vpc: 'shop', external: 'ext', prefixes: ['0.0.0.0/0'] }, { born: 5 }),
  ],
  [
    guard('one', { subjects: byApp('db'), ingress: [{ from: [byApp('web')], ports: [{ protocol: 'tcp', port: 80 }] }, { from: [{ vpc: 'lab' }] }] }),
    guard('one', { subjects: { subnets: { matchLabels: { zone: 'edge' } } }, egress: [{ to: [{ cidr: '10.0.0.0/8', except: ['10.2.0.0/16'] }] }] }),
    guard('one', { vpc: 'lab', subjects: { all: true }, ingress: [{ from: [{ vpc: 'shop', attachments: {} }] }] }),
  ],
  [
    guard('two', { subjects: byApp('web'), directions: ['Ingress'], ingress: [{ from: [byApp('web')] }, { from: [byApp('web')] }] }),
    guard('two', { subjects: { attachments: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } }, egress: [{}] }),
  ],
  [make.peering('two', [[{ vpc: 'lab', subnets: ['front'] }, { vpc: 'shop', subnets: ['back'] }], [{ vpc: 'lab' }, { vpc: 'shop' }]])],
];

export interface Step {
  readonly place: number;
  /** Version of the object; none deletes it. */
  readonly version: number | undefined;
  readonly allocate: boolean;
  /** A claim to take away (even) or to put into quarantine (odd). */
  readonly claim: number | undefined;
  /** Whether it goes into one batch with the next step, when it does not allocate. */
  readonly waits: boolean;
}

export const step: fc.Arbitrary<Step> = fc.record({
  place: fc.nat(universe.length - 1),
  version: fc.option(fc.nat(3), { nil: undefined, freq: 4 }),
  allocate: fc.boolean(),
  claim: fc.option(fc.nat(99), { nil: undefined, freq: 1 }),
  waits: fc.boolean(),
});

/** What is in the compiler, as a store would hold it. */
export class Stock {
  readonly objects = new Map<string, Resource>();
  readonly claims: Resource[] = [];
  readonly taken = new Set<string>();
  readonly #waiting: ObjectChange[] = [];

  run({ place, version, allocate, claim, waits }: Step, compiler: Compiler): void {
    if (claim !== undefined) this.giveBack(claim);
    const versions = universe[place] ?? [];
    const kept = version === undefined ? undefined : versions[version % versions.length];
    const gone = versions.filter((object) => kept === undefined || refKey(refOf(object)) !== refKey(refOf(kept)));
    for (const object of gone) this.objects.delete(refKey(refOf(object)));
    if (kept !== undefined) this.objects.set(refKey(refOf(kept)), kept);
    this.#waiting.push(...gone.map(make.remove), ...(kept === undefined ? [] : [make.put(kept)]));
    if (!waits || allocate) this.settle(compiler);
    if (allocate) this.allocate(compiler);
  }

  /** Applies what waits, as one batch. */
  settle(compiler: Compiler): void {
    compiler.apply(this.#waiting.splice(0));
  }

  giveBack(number: number): void {
    const [claim] = this.claims.splice(number % Math.max(1, this.claims.length), 1);
    if (claim === undefined) return;
    const quarantined = { ...claim, status: { phase: 'Quarantined' } };
    if (number % 2 === 1) this.claims.push(quarantined);
    this.#waiting.push(number % 2 === 1 ? make.put(quarantined) : make.remove(claim));
  }

  allocate(compiler: Compiler): void {
    const fresh = make.allocate(compiler, [...this.objects.values()], this.claims, this.taken);
    this.claims.push(...fresh);
    compiler.apply(fresh.map(make.put));
  }

  all(): Resource[] {
    return [...this.objects.values(), ...this.claims];
  }
}

export const start = (compiler = createCompiler()): { readonly compiler: Compiler; readonly stock: Stock } => {
  const stock = new Stock();
  for (const place of universe.keys()) stock.run({ place, version: 0, allocate: true, claim: undefined, waits: false }, compiler);
  return { compiler, stock };
};

export const everyone = universe.flat();
