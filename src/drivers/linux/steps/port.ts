/**
 * Physical interfaces. Withdrawing a port is one command: an interface that changes its network namespace goes down and
 * leaves its bridge in the same moment. Enabling is the last command of a port's steps.
 */
import type { PortState } from '../model.ts';
import { ip } from './step.ts';
import type { Site, Step, Steps } from './step.ts';
import { guard, notLearning, unguard } from './subinterface.ts';

/** Alias of an interface that Heddle may change. */
export const portMark = 'heddle';

export const portSteps: Steps<PortState> = {
  create: (state, site) => [...(state.up && state.master === '' ? [down(state)] : []), ...settle('', state, site)],
  change: (from, to, site) => {
    if ((from.guarded === true && to.guarded !== true) || from.learning !== to.learning) return undefined;
    if (from.place === to.place && from.master === to.master) {
      // Nothing may pass while it is not guarded yet.
      return [...(from.guarded === to.guarded ? [] : [down(to)]), ...settle(from.place, to, site)];
    }
    return from.place === '' && from.master === '' ? portSteps.create(to, site) : undefined;
  },
  remove: (state, site, replaced) => [
    ...withdraw(state, site),
    ...(state.guarded === true ? [unguard(state.interface)] : []),
    ...(replaced ? [] : [unmark(state)]),
  ],
};

const down = ({ interface: name }: PortState): Step => ip('', 'link', 'set', 'dev', name, 'down');

const settle = (now: string, { interface: name, place, master, up, mtu, guarded, learning }: PortState, site: Site): readonly Step[] => [
  ip(now, 'link', 'set', 'dev', name, 'alias', portMark, 'mtu', `${mtu}`),
  ...(guarded === true ? guard(name, site) : []),
  ...(now === place ? [] : [ip(now, 'link', 'set', 'dev', name, 'netns', place)]),
  ...(master === '' ? [] : [ip(place, 'link', 'set', 'dev', name, 'master', master)]),
  ...(learning === false ? [notLearning(place, name)] : []),
  ip(place, 'link', 'set', 'dev', name, up ? 'up' : 'down'),
];

const withdraw = ({ interface: name, place, master }: PortState, site: Site): readonly Step[] =>
  place === ''
    ? [
        ip('', 'link', 'set', 'dev', name, 'down'),
        ...(master === '' ? [] : [ip('', 'link', 'set', 'dev', name, 'nomaster')]),
      ]
    : [ip(place, 'link', 'set', 'dev', name, 'netns', site.underlay)];

const unmark = ({ interface: name }: PortState): Step => ip('', 'link', 'set', 'dev', name, 'alias', '');
