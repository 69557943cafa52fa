/**
 * The compiler alone, at two sizes: what a change costs must not depend on how much there is beside it. Every leaf has 40
 * servers, every VPC 40 attachments on as many leaves, and every second VPC is peered with the next.
 */
import { refOf, type Resource } from '../src/api/object.ts';
import { createCompiler } from '../src/compile/compiler.ts';
import type { Compiler } from '../src/compile/engine.ts';
import * as make from '../src/compile/fixture.ts';
import { percentile, type Benchmark } from './figure.ts';

const perLeaf = 40;
const spinePorts = 60;
const rounds = 500;

export const run: Benchmark = async (report) => {
  for (const leaves of [25, 250]) {
    const attachments = `${leaves * perLeaf} attachments`;
    const fabric = [...underlay(leaves), ...servers(leaves), ...tenants(leaves)];
    const attached = attachmentsOf(leaves);
    const compiler = createCompiler();
    const spent = load(compiler, fabric) + load(compiler, attached);
    report({ figure: `from scratch, ${attachments}`, value: spent / 1000, unit: 's', n: 1 });
    const measured = change(compiler, attached);
    report({ figure: `one attachment less, of ${attachments}, p50`, value: percentile(measured.removed, 0.5), unit: 'ms', n: rounds, limit: 1 });
    report({ figure: `one attachment more, of ${attachments}, p50`, value: percentile(measured.added, 0.5), unit: 'ms', n: rounds, limit: 1 });
    report({ figure: `one attachment more, of ${attachments}, p99`, value: percentile(measured.added, 0.99), unit: 'ms', n: rounds });
    const { fullRecomputes } = compiler.counters();
    if (fullRecomputes !== 0) throw new Error(`the compiler started over ${fullRecomputes} times`);
  }
};

/** Leaves with two uplinks each. */
const underlay = (leaves: number): Resource[] => {
  const pools = { routerIDs: '172.16.0.0/16', vteps: '172.17.0.0/16' };
  const objects = [make.fabric({ underlay: pools }), make.profile(), make.addressSpace('default', '10.0.0.0/8')];
  for (let spine = 0; spine * spinePorts < leaves * 2; spine++) objects.push(make.switchOf(`spine-${spine}`, 'spine'));
  for (let leaf = 0; leaf < leaves; leaf++) {
    objects.push(make.switchOf(`leaf-${leaf}`, 'leaf'));
    for (const uplink of [leaf * 2, leaf * 2 + 1]) {
      const spine = `spine-${Math.floor(uplink / spinePorts)}/E1/${(uplink % spinePorts) + 1}`;
      objects.push(make.connection(`uplink-${uplink}`, [[spine, `leaf-${leaf}/E1/${61 + (uplink % 2)}`]]));
    }
  }
  return objects;
};

const servers = (leaves: number): Resource[] =>
  Array.from({ length: leaves * perLeaf }, (_, number) => {
    const mac = `02${number.toString(16).padStart(10, '0')}`.replaceAll(/(..)(?!$)/g, '$1:');
    const [leaf, port] = [Math.floor(number / perLeaf), (number % perLeaf) + 1];
    return [
      make.object('Server', `server-${number}`, { ports: { eth1: { mac } } }),
      make.connection(`server-${number}`, [[`server-${number}/eth1`, `leaf-${leaf}/E1/${port}`]]),
    ];
  }).flat();

/** As many VPCs as leaves, two subnets each. */
const tenants = (vpcs: number): Resource[] =>
  Array.from({ length: vpcs }, (_, number) => {
    const third = (half: number) => `10.${Math.floor(number / 100)}.${(number % 100) * 2 + half}.0/24`;
    const vpc = make.vpc(`vpc-${number}`, { a: third(0), b: third(1) });
    const permit = [[{ vpc: `vpc-${number}` }, { vpc: `vpc-${number + 1}` }]];
    return number % 2 === 0 && number + 1 < vpcs ? [vpc, make.peering(`peering-${number}`, permit)] : [vpc];
  }).flat();

const attachmentsOf = (leaves: number): Resource[] =>
  Array.from({ length: leaves * perLeaf }, (_, number) => {
    const vpc = `vpc-${(number * 7 + Math.floor(number / perLeaf)) % leaves}`;
    return make.attachment(`server-${number}`, { vpc, subnet: number % 2 === 0 ? 'a' : 'b', connection: `server-${number}` });
  });

/** Applies objects, then claims that answer what they demand; answers the milliseconds that the compiler took. */
const load = (compiler: Compiler, objects: readonly Resource[]): number => {
  const spent = timed(() => compiler.apply(objects.map(make.put)));
  const claims = make.allocate(compiler, objects, [], new Set());
  return spent + timed(() => compiler.apply(claims.map(make.put)));
};

const timed = (step: () => unknown): number => {
  const began = performance.now();
  step();
  return performance.now() - began;
};

const change = (compiler: Compiler, attached: readonly Resource[]): { readonly removed: number[]; readonly added: number[] } => {
  const [removed, added]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const object = attached[(round * 97) % attached.length];
    if (object === undefined) continue;
    removed.push(timed(() => compiler.apply([{ ref: refOf(object), object: undefined }])));
    added.push(timed(() => compiler.apply([{ ref: refOf(object), object }])));
  }
  return { removed, added };
};
