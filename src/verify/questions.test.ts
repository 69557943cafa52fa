/**
 * Traces and matrices read few rows, and must say what all rows say: in every step of every story a packet is followed through
 * both. Which pairs are tried follows from the step, so that all stories together try many.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GoalState } from '../goal/state.ts';
import { familyOf } from '../net/address.ts';
import { CompileStage } from '../scenarios/compilestage.ts';
import { readScenarios, readWiring } from '../scenarios/scenario.ts';
import { playSteps, withoutPackets, type Stage } from '../scenarios/stage.ts';
import { roundTrip } from './evaluate.ts';
import { matrixOf, vpcsOf, type Cell } from './matrix.ts';
import { readNetwork, type Network, type Segment } from './network.ts';
import type { Packet, Place } from './packet.ts';
import { vrfAt } from './surroundings.ts';
import { trace } from './trace.ts';

interface Host {
  readonly address: Packet['source'];
  readonly places: readonly Place[];
  readonly segment: Segment;
}

const hostsOf = ({ segments }: Network): Host[] =>
  [...segments.values()].flatMap((segment) => [...segment.hosts.values()].map(({ address, places }) => ({ address, places, segment })));

const mostPairs = 24;

const pairsOf = (hosts: readonly Host[], seed: number): (readonly [Host, Host])[] => {
  const count = Math.min(mostPairs, hosts.length * (hosts.length - 1));
  return Array.from({ length: count }, (_, index) => {
    const from = (seed + index * 5) % hosts.length;
    const [source, destination] = [hosts[from], hosts[(from + 1 + ((seed * 3 + index) % (hosts.length - 1))) % hosts.length]];
    return source === undefined || destination === undefined ? assert.fail('there are two hosts') : ([source, destination] as const);
  });
};

const packets = [{ protocol: 'icmp' }, { protocol: 'tcp', port: 443 }, { protocol: 'udp', port: 53 }] as const;

const look = (compiler: CompileStage, step: number): number => {
  const goal = new GoalState();
  for (const [scope, rows] of compiler.scopes()) goal.replace(scope, rows);
  const network = readNetwork(compiler.scopes());
  const hosts = hostsOf(network);
  if (hosts.length < 2) return 0;
  const cells = new Map(vpcsOf(goal).flatMap((vrf) => matrixOf(goal, vrf)).map((cell): [string, Cell] => [`${cell.from} ${cell.to} ${cell.family}`, cell]));
  const pairs = pairsOf(hosts, step).filter(([from, to]) => familyOf(from.address) === familyOf(to.address));
  for (const [index, [from, to]] of pairs.entries()) {
    const packet: Packet = { source: from.address, destination: to.address, ...packets[(index + step) % packets.length] ?? packets[0] };
    const keys = new Set(to.places.map(({ device, port }) => `${device} ${port}`));
    const trips = from.places.map((place) => roundTrip(network, place, packet));
    const isThere = trips.every(({ verdicts: [there] }) =>
      there?.type === 'delivered' && there.to.what === 'host' && there.to.places.some(({ device, port }) => keys.has(`${device} ${port}`)));
    const expected = !isThere ? 'no' : trips.every(({ result }) => result === 'allow') ? 'delivered' : 'oneway';
    const vrfs = [...from.places, ...to.places].flatMap((place) => vrfAt(goal, place) ?? []);
    const { result } = trace(goal, { from: from.places, to: to.places, vrfs, packet });
    const what = `${from.address} -> ${to.address} ${packet.protocol} after step ${step}`;
    assert.equal(result === 'delivered' || result === 'oneway' ? result : 'no', expected, what);
    if (packet.protocol !== 'icmp') continue;
    const cell = cells.get(`${from.segment.row.description} ${to.segment.row.description} ${familyOf(from.address)}`);
    if (expected === 'delivered') assert.equal(cell?.some.icmp, true, `${what}: the matrix knows`);
    else if (expected === 'no') assert.notEqual(cell?.all.icmp, true, `${what}: the matrix does not say all`);
  }
  return pairs.length;
};

describe('traces and matrices of scenarios', () => {
  let tried = 0;
  for (const scenario of readScenarios()) {
    it(`${scenario.name}: few rows say what all rows say`, async () => {
      const compiler = new CompileStage(readWiring(scenario.wiring));
      let step = 0;
      const again = (): void => {
        tried += look(compiler, (step += 1));
      };
      const stage: Stage = {
        ...withoutPackets,
        apply: async (objects) => {
          compiler.apply(objects);
          again();
        },
        delete: async (ref) => {
          compiler.delete([ref]);
          again();
        },
        refuse: async () => {},
        expect: async () => {},
        allow: async () => {},
      };
      await playSteps(stage, scenario.steps);
    });
  }

  it('all stories together try much', () => {
    assert.ok(tried > 500, `${tried}`);
  });
});
