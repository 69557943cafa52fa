/** Where a story is played, and the playing: every level carries out the same steps, each as far as it can. */
import type { ObjectRef, Resource } from '../api/object.ts';
import type { DuringStep, ExecStep, Expectation, Step } from './scenario.ts';
import type { Reach } from './matrix.ts';

/** Carries out steps; what a level has no means for it leaves undone. */
export interface Stage {
  apply(objects: readonly Resource[]): Promise<void>;
  delete(ref: ObjectRef): Promise<void>;
  refuse(object: Resource, paths: readonly string[]): Promise<void>;
  expect(expectation: Expectation): Promise<void>;
  allow(ref: ObjectRef): Promise<void>;
  /** `undefined`: what intent says. */
  reach(wanted: Reach | undefined): Promise<void>;
  fault(fault: string): Promise<void>;
  exec(step: ExecStep): Promise<void>;
  leases(leases: ReadonlyMap<string, readonly string[]>): Promise<void>;
  announce(server: string, prefixes: readonly string[]): Promise<void>;
  /** `play` carries out the steps that happen meanwhile. */
  during(step: DuringStep, play: () => Promise<void>): Promise<void>;
}

export const playSteps = async (stage: Stage, steps: readonly Step[]): Promise<void> => {
  for (const step of steps) await playStep(stage, step);
};

const playStep = async (stage: Stage, step: Step): Promise<void> => {
  switch (step.type) {
    case 'apply':
      return stage.apply(step.objects);
    case 'delete':
      for (const ref of step.refs) await stage.delete(ref);
      return;
    case 'refuse':
      return stage.refuse(step.object, step.paths);
    case 'expect':
      for (const expectation of step.conditions) await stage.expect(expectation);
      return;
    case 'allow':
      return stage.allow(step.ref);
    case 'reach':
      return stage.reach(step.reach);
    case 'fault':
      return stage.fault(step.fault);
    case 'exec':
      return stage.exec(step);
    case 'leases':
      return stage.leases(step.leases);
    case 'announce':
      return stage.announce(step.server, step.prefixes);
    case 'during':
      return stage.during(step, () => playSteps(stage, step.steps));
  }
};

/** A level without packets and machines: what is left when both are taken away. */
export const withoutPackets = {
  reach: async () => {},
  fault: async () => {},
  exec: async () => {},
  leases: async () => {},
  announce: async () => {},
  during: (_step: DuringStep, play: () => Promise<void>) => play(),
};
