/** The steps of `lab up` as lines of the main job: fewer, and each with what it stands for. */
import type { Resource } from '../../api/object.ts';
import { systemClock as clock } from '../../kit/clock.ts';
import type { Progress } from '../../lab/progress.ts';
import type { Screen } from './screen.ts';

/** Steps that are of interest; the others are shown only while they run. */
const shown: Readonly<Record<string, string>> = {
  'make namespaces and cables': 'namespaces and cables',
  'start the control plane': 'control plane',
  'switches programmed': 'switches programmed',
  'BGP sessions established': 'underlay converged',
};

export interface Building {
  readonly progress: Progress;
  /** Prints how long it took altogether. */
  readonly done: () => void;
}

export const showBuilding = (screen: Screen, objects: readonly Resource[]): Building => {
  const began = clock.monotonic();
  const count = (kind: string, role?: string): number =>
    objects.filter((object) => object.kind === kind && (role === undefined || (object.spec as { role?: string }).role === role)).length;
  const [spines, leaves, servers, cables] = [count('Switch', 'spine'), count('Switch', 'leaf'), count('Server'), count('Connection')];
  const details: Readonly<Record<string, string>> = {
    'make namespaces and cables': `${spines + leaves + servers} nodes, ${cables} cables`,
    'start the control plane': 'API server, controller, goal-state service',
    'switches programmed': `${spines + leaves} switches: FRR and one agent each`,
    'BGP sessions established': `eBGP unnumbered, BFD, EVPN`,
  };
  screen.heading(`Heddle: ${spines} spines, ${leaves} leaves and ${servers} servers, from examples/spine-leaf/wiring.yaml`);
  return {
    progress: ({ step, phase, elapsedMilliseconds }) => {
      const title = shown[step];
      if (phase === 'begin') screen.running(step);
      else if (title !== undefined) screen.line({ title, detail: details[step] ?? '', milliseconds: elapsedMilliseconds });
    },
    done: () => screen.line({ title: 'fabric is up', detail: 'every link carries its BGP session', milliseconds: clock.monotonic() - began, verdict: 'right' }),
  };
};
