/** The barrier against a model of it that looks at every device and every object each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { deviceScope } from '../goal/rows.ts';
import type { Version } from '../goal/state.ts';
import { getOrMake } from '../kit/maps.ts';
import { Barrier } from './barrier.ts';

const devices = ['a', 'b', 'c'];
const shared = ['vpc/1', 'vpc/2'];
const waiters = ['x', 'y', 'z'];

class Model {
  /** By scope and device: what was acknowledged. */
  readonly members = new Map<string, Map<string, Version>>();
  readonly waits = new Map(waiters.map((waiter) => [waiter, new Map<string, Version>()]));
  readonly audience = new Map(waiters.map((waiter) => [waiter, new Map<string, Version>()]));
  leavers: { device: string; scope: string; left: Version; until: Version }[] = [];

  held(device: string): string[] {
    return [...this.members].filter(([, members]) => members.has(device)).map(([scope]) => scope);
  }

  /** A device's own scope counts only when everything else was acknowledged. */
  counted(device: string, scope: string): Version {
    const said = this.members.get(scope)?.get(device) ?? -1;
    if (scope !== deviceScope(device)) return said;
    return this.complete.has(device) ? said : (this.ownBefore.get(device) ?? -1);
  }

  readonly complete = new Set<string>();
  readonly ownBefore = new Map<string, Version>();

  /** After whatever changed: takes note of devices that have all they hold, and ends waits. */
  settle(): void {
    for (const device of devices) {
      const others = this.held(device).filter((scope) => scope !== deviceScope(device));
      const hasAll = others.every((scope) => (this.members.get(scope)?.get(device) ?? -1) >= 0);
      if (hasAll) {
        this.complete.add(device);
        this.ownBefore.set(device, this.members.get(deviceScope(device))?.get(device) ?? -1);
      } else this.complete.delete(device);
    }
    for (const waits of this.waits.values()) for (const [scope, version] of waits) if (this.behind(scope, version).length === 0) waits.delete(scope);
  }

  behind(scope: string, version: Version): string[] {
    return [...(this.members.get(scope)?.keys() ?? [])].filter((device) => this.counted(device, scope) < version);
  }

  expect(waiter: string, scope: string, version: Version): void {
    const waits = this.waits.get(waiter);
    if ((waits?.get(scope) ?? -1) < version) waits?.set(scope, version);
    this.settle();
  }

  join(device: string, scope: string): void {
    getOrMake(this.members, scope, () => new Map<string, Version>()).set(device, -1);
    if (scope === deviceScope(device)) this.ownBefore.set(device, -1);
    this.leavers = this.leavers.filter((leaver) => leaver.device !== device || leaver.scope !== scope);
    this.settle();
  }

  leave(device: string, scope: string, version: Version): void {
    const stranded = waiters.filter((waiter) => {
      const wanted = this.waits.get(waiter)?.get(scope);
      return wanted !== undefined && this.counted(device, scope) < wanted && this.audience.get(waiter)?.has(scope) !== true;
    });
    for (const waiter of stranded) this.expect(waiter, deviceScope(device), version);
    this.members.get(scope)?.delete(device);
    this.leavers.push({ device, scope, left: version, until: version });
    this.settle();
  }

  acknowledge(device: string, scope: string, version: Version): void {
    const members = this.members.get(scope);
    if ((members?.get(device) ?? version) > version) return;
    members?.set(device, version);
    if (scope === deviceScope(device)) {
      this.leavers = this.leavers.filter((leaver) => leaver.device !== device || leaver.until > version);
    }
    this.settle();
  }

  removeDevice(device: string): void {
    for (const members of this.members.values()) members.delete(device);
    this.leavers = this.leavers.filter((leaver) => leaver.device !== device);
    this.ownBefore.delete(device);
    this.settle();
  }

  pending(waiter: string): string[] {
    const pending = new Set<string>();
    for (const [scope, version] of this.waits.get(waiter) ?? []) for (const device of this.behind(scope, version)) pending.add(device);
    for (const [scope, since] of this.audience.get(waiter) ?? []) {
      for (const device of this.behind(scope, 0)) pending.add(device);
      for (const leaver of this.leavers) if (leaver.scope === scope && since < leaver.left) pending.add(leaver.device);
    }
    return [...pending].sort();
  }

  devices(waiter: string): number {
    const found = new Set(this.pending(waiter));
    for (const scope of this.audience.get(waiter)?.keys() ?? []) for (const device of this.members.get(scope)?.keys() ?? []) found.add(device);
    return found.size;
  }
}

const anyDevice = fc.constantFrom(...devices);
const anyShared = fc.constantFrom(...shared);
const anyWaiter = fc.constantFrom(...waiters);
const anyStep = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('own' as const), device: anyDevice }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('join' as const, 'leave' as const), device: anyDevice, scope: anyShared }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('expect' as const), waiter: anyWaiter, device: anyDevice, scope: fc.option(anyShared) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('ack' as const), device: anyDevice, scope: fc.option(anyShared), lag: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('place' as const), waiter: anyWaiter, scopes: fc.subarray([...shared, ...devices.map(deviceScope)]) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('forget' as const, 'remove' as const), device: anyDevice }) },
);
type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never;

const play = (step: Step, version: Version, barrier: Barrier, model: Model): void => {
  if (step.type === 'place') {
    barrier.audience.replace(step.waiter, step.scopes, version);
    const before = model.audience.get(step.waiter);
    model.audience.set(step.waiter, new Map(step.scopes.map((scope) => [scope, before?.get(scope) ?? version])));
    return;
  }
  const { device } = step;
  const own = deviceScope(device);
  const holds = (scope: string): boolean => model.members.get(scope)?.has(device) === true;
  if (step.type === 'own' && !holds(own)) {
    barrier.join(device, own);
    model.join(device, own);
  } else if (step.type === 'join' && holds(own) && !holds(step.scope)) {
    barrier.join(device, step.scope);
    model.join(device, step.scope);
  } else if (step.type === 'leave' && holds(step.scope)) {
    barrier.leave(device, step.scope, version, version);
    model.leave(device, step.scope, version);
  } else if (step.type === 'expect') {
    barrier.expect(step.waiter, step.scope ?? own, version);
    model.expect(step.waiter, step.scope ?? own, version);
  } else if (step.type === 'ack' && holds(step.scope ?? own)) {
    const acknowledged = Math.max(1, version - step.lag);
    barrier.acknowledge(device, step.scope ?? own, acknowledged, []);
    model.acknowledge(device, step.scope ?? own, acknowledged);
  } else if (step.type === 'forget') {
    barrier.forgetAcknowledged(device);
    for (const scope of model.held(device)) model.join(device, scope);
  } else if (step.type === 'remove') {
    barrier.removeDevice(device);
    model.removeDevice(device);
  }
};

test('who waits for whom, and how many devices an object has, is what a look at everything says', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60, size: 'max' }), (steps) => {
      const [barrier, model] = [new Barrier(), new Model()];
      for (const [index, step] of steps.entries()) {
        play(step, index + 1, barrier, model);
        for (const waiter of waiters) {
          const { late, devices: count } = barrier.tally(waiter);
          assert.deepEqual(late, model.pending(waiter), `${waiter} after step ${index}`);
          assert.equal(count, model.devices(waiter));
          assert.equal(barrier.isSettled(waiter), late.length === 0);
        }
      }
    }),
    { numRuns: 2000, interruptAfterTimeLimit: 20_000 },
  );
});
