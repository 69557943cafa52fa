/**
 * Random commits, cut connections, server restarts, agents killed and restarted, devices that lose or grow rows or fail: in the
 * end every device holds exactly the rows of its goal.
 */
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Row } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import { until } from '../southbound/testing.ts';
import type { Agent } from './agent.ts';
import { Bench, MemoryDevice, goalTexts, sameRows } from './testing.ts';

const names = ['leaf-1', 'leaf-2'] as const;
const vpcs = ['vpc/1', 'vpc/2'] as const;

const vrf = (name: string, vni: number): Row => ({ table: 'vrf', key: name, value: { name, vni: vni as Vni, description: '' } });

const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });

const device = fc.constantFrom(...names);
const vpc = fc.constantFrom(...vpcs);
const key = fc.constantFrom('a', 'b', 'c', 'child-of-a');

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), vpc, key, vni: fc.nat({ max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), vpc, key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('join' as const, 'leave' as const), device, vpc }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('kill agent' as const, 'lose row' as const, 'grow row' as const), device }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('break' as const, 'mend' as const), device, vpc, key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'restart server' as const, 'wait' as const) }) },
);

type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

class World {
  readonly bench = new Bench();
  readonly devices = new Map(names.map((name) => [name, new MemoryDevice()]));
  readonly agents = new Map<string, Agent>();

  async start(): Promise<void> {
    for (const scope of vpcs) this.bench.commit(scope, ['a', 'b'].map((name) => vrf(rowName(scope, name), 1)));
    for (const name of names) this.bench.commit(`device/${name}`, [vrf(`own-${name}`, 1), ...vpcs.map(member)]);
    await this.#serve();
    for (const name of names) await this.#startAgent(name);
  }

  async run(step: Action): Promise<void> {
    const { bench } = this;
    switch (step.do) {
      case 'write':
        return bench.commit(step.vpc, [vrf(rowName(step.vpc, step.key), step.vni)]);
      case 'delete':
        return bench.commit(step.vpc, [], [`vrf/${rowName(step.vpc, step.key)}`]);
      case 'join':
        return bench.commit(`device/${step.device}`, [member(step.vpc)]);
      case 'leave':
        return bench.commit(`device/${step.device}`, [], [`member/${step.vpc}`]);
      case 'kill agent':
        await this.#stopAgent(step.device);
        return this.#startAgent(step.device);
      case 'lose row':
        return this.#loseRow(step.device);
      case 'grow row':
        return void this.#device(step.device).rows.set('vrf/grown', 'by somebody else');
      case 'break':
        return void this.#device(step.device).broken.add(`vrf/${rowName(step.vpc, step.key)}`);
      case 'mend':
        return void this.#device(step.device).broken.delete(`vrf/${rowName(step.vpc, step.key)}`);
      case 'cut':
        await bench.stopServer();
        return this.#serve();
      case 'restart server':
        await bench.stopServer();
        this.#renew();
        return this.#serve();
      case 'wait':
        await new Promise((resolve) => setTimeout(resolve, 15));
    }
  }

  async settle(): Promise<void> {
    for (const memory of this.devices.values()) memory.broken.clear();
    for (const [name, memory] of this.devices) {
      await until(`${name} equals its goal`, () => sameRows(memory.rows, goalTexts(this.bench.goal, name)));
      await until(`${name} is verified`, () => {
        const { version } = this.bench.goal.scope(`device/${name}`);
        return this.bench.heard(name, `device/${name}`, 'verified').some((result) => result.version === version);
      });
    }
  }

  async close(): Promise<void> {
    await this.bench.close();
  }

  async #serve(): Promise<void> {
    await this.bench.serve();
    this.bench.southbound.setDevices(names);
  }

  /** Versions start anew, in another order, as after a restart of the controller. */
  #renew(): void {
    const old = this.bench.goal;
    this.bench.results.length = 0;
    this.bench.goal = new GoalState();
    for (const scope of [...old.scopes()].toReversed()) this.bench.goal.replace(scope, [...old.scope(scope).rows.values()]);
  }

  async #startAgent(name: string): Promise<void> {
    this.agents.set(name, await this.bench.agent(name, this.#device(name), { driftMilliseconds: 20 }));
  }

  async #stopAgent(name: string): Promise<void> {
    const agent = this.agents.get(name);
    if (agent !== undefined) await this.bench.stopAgent(agent);
  }

  #device(name: string): MemoryDevice {
    const memory = this.devices.get(name === 'leaf-1' ? 'leaf-1' : 'leaf-2');
    if (memory === undefined) throw new Error(`no device '${name}'`);
    return memory;
  }

  #loseRow(name: string): void {
    const { rows } = this.#device(name);
    const [first] = rows.keys();
    if (first !== undefined) rows.delete(first);
  }
}

/** Scopes hold disjoint rows. */
const rowName = (scope: string, name: string): string => `${name}-${scope.slice(4)}`;

test('whatever happens on the way, every device ends up equal to its goal', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 30, size: 'max' }), async (steps) => {
      const world = new World();
      try {
        await world.start();
        for (const step of steps) await world.run(step);
        await world.settle();
      } finally {
        await world.close();
      }
    }),
    { numRuns: 25, endOnFailure: true },
  );
});
