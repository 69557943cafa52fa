/** Devices of the kernel and their addresses. */
import type {
  AddressState,
  BondState,
  BridgeState,
  KnownState,
  LoopbackState,
  NetnsState,
  PairEnd,
  PairState,
  SysctlState,
  VxlanState,
} from '../model.ts';
import { bridgedSysctls } from '../render/sysctls.ts';
import { configure, inside, ip, vtysh } from './step.ts';
import type { Site, Step, Steps } from './step.ts';
import { guard } from './subinterface.ts';

const namespaceFile = (site: Site, name: string): string => `${site.directory}/netns/${name}`;

/**
 * zebra watches /run/netns and tries a new name at once; `ip netns add` makes the file before it mounts the namespace on
 * it, so that first try fails and the next comes a whole second later. A symbolic link to a namespace that is already
 * mounted elsewhere is right from its first moment (measured: known within one poll instead of 0.03 to 1.1 s).
 */
export const netnsSteps: Steps<NetnsState> = {
  create: ({ name }, site) => {
    const path = `/run/netns/${name}`;
    const file = namespaceFile(site, name);
    const make = [['touch', file], ['unshare', `--net=${file}`, 'ln', '-sfn', file, path]] as const;
    return [
      ...make.map((argv) => ({ argv, unlessNamespace: path })),
      { ...vtysh(site, 'show vrf'), until: [`^vrf ${name} id \\d+ netns `] },
    ];
  },
  change: () => [],
  remove: ({ name }, site) => [
    { argv: ['ip', 'netns', 'delete', name] },
    { argv: ['rm', '-f', namespaceFile(site, name)] },
  ],
};

export const knownSteps: Steps<KnownState> = {
  create: () => [],
  change: () => [],
  // Refused while zebra has not noticed yet that the namespace is gone.
  remove: ({ name }, site) => [{ ...configure(site, `no vrf ${name}`), patient: true }],
};

export const sysctlSteps: Steps<SysctlState> = {
  create: (state) => [setSysctls(state)],
  change: (_, to) => [setSysctls(to)],
  // Those of a namespace go with it; a device may stay and be something else.
  remove: ({ place, device }) => (device === undefined ? [] : [setSysctls({ place, values: bridgedSysctls(device) })]),
};

const setSysctls = ({ place, values }: SysctlState): Step => ({
  argv: inside(place, ['sysctl', '-qew', ...Object.entries(values).map(([name, value]) => `${name}=${value}`)]),
});

export const loopbackSteps: Steps<LoopbackState> = {
  create: ({ place }) => [ip(place, 'link', 'set', 'dev', 'lo', 'up')],
  change: () => [],
  remove: () => [],
};

/** Our addresses on the loopback carry a label, since other software may have its own there. */
export const loopbackLabel = 'lo:heddle';

/**
 * zebra 8.4 hears of addresses in another thread than of links, and forgets for good an address whose link it has not looked at
 * yet: bgpd then tells nobody of the subnet and refuses the sessions of its servers. It has loopbacks from a namespace's beginning.
 */
const awaitDevice = (place: string, device: string, site: Site): readonly Step[] =>
  place === '' || device === 'lo' ? [] : [{ ...vtysh(site, 'show interface vrf all brief'), until: [`^${device} +\\S+ +${place}( |$)`] }];

export const addressSteps: Steps<AddressState> = {
  create: ({ place, device, address }, site) => [
    ...awaitDevice(place, device, site),
    ip(place, 'address', 'replace', address, 'dev', device, ...(device === 'lo' ? ['label', loopbackLabel] : []),
      // Every leaf has the gateway's address, so looking for others who have it would find them.
      ...(address.includes(':') ? ['nodad'] : [])),
  ],
  change: () => [],
  remove: ({ place, device, address }) => [ip(place, 'address', 'delete', address, 'dev', device)],
};

/** Seconds (BR_DEFAULT_AGEING_TIME). */
export const usualAgeing = 300;

export const bridgeSteps: Steps<BridgeState> = {
  create: ({ place, name, mtu, mac, ageing }) => [
    // An MTU that was changed once stays; until then it would follow that of the ports.
    ip(place, 'link', 'add', name, 'address', mac, 'mtu', '1280', 'up', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0',
      ...(ageing === undefined ? [] : ageingWords(ageing))),
    ip(place, 'link', 'set', 'dev', name, 'mtu', `${mtu}`),
  ],
  change: (from, { place, name, mtu, mac, ageing }) => [
    ip(place, 'link', 'set', 'dev', name, 'address', mac, 'mtu', `${mtu}`, 'up',
      ...(from.ageing === ageing ? [] : ['type', 'bridge', ...ageingWords(ageing ?? usualAgeing)])),
  ],
  remove: ({ place, name }) => [ip(place, 'link', 'delete', name)],
};

/** In hundredths of a second (USER_HZ). */
const ageingWords = (seconds: number): readonly string[] => ['ageing_time', `${seconds * 100}`];

/** Made from the underlay into the VRF: its UDP socket stays where it was made. */
export const vxlanSteps: Steps<VxlanState> = {
  create: (state) => [
    ip('', 'link', 'add', state.name, 'netns', state.place, 'mtu', `${state.mtu}`, 'type', 'vxlan', 'id', `${state.vni}`,
      'dstport', '4789', 'local', state.local, 'nolearning'),
    ...settleVxlan(state),
  ],
  change: (from, to) => (from.vni === to.vni && from.local === to.local ? settleVxlan(to) : undefined),
  remove: ({ place, name }) => [ip(place, 'link', 'delete', name)],
};

const settleVxlan = ({ place, name, mtu, master, learning, suppressNeighbours }: VxlanState): readonly Step[] => [
  ip(place, 'link', 'set', 'dev', name, 'mtu', `${mtu}`, 'master', master),
  ip(place, 'link', 'set', 'dev', name, 'type', 'bridge_slave', 'learning', onOff(learning), 'neigh_suppress',
    onOff(suppressNeighbours)),
  ip(place, 'link', 'set', 'dev', name, 'up'),
];

const onOff = (value: boolean): string => (value ? 'on' : 'off');

export const bondSteps: Steps<BondState> = {
  create: (state, site) => [
    ip(state.place, 'link', 'add', state.name, 'type', 'bond', 'mode', '802.3ad', 'miimon', '100', 'lacp_rate', 'fast',
      ...(state.system === undefined ? [] : ['ad_actor_system', state.system])),
    ...settleBond(state, site),
  ],
  change: (from, to, site) => (from.master === '' && from.guarded === undefined && from.system === to.system ? settleBond(to, site) : undefined),
  remove: ({ place, name }) => [ip(place, 'link', 'delete', name)],
};

const settleBond = ({ place, name, master, guarded }: BondState, site: Site): readonly Step[] => {
  if (guarded === true) return [...guard(name, site), ip(place, 'link', 'set', 'dev', name, 'up')];
  return master === ''
    ? [ip(place, 'link', 'set', 'dev', name, 'down')]
    : [ip(place, 'link', 'set', 'dev', name, 'master', master), ip(place, 'link', 'set', 'dev', name, 'up')];
};

/** A pair is right or made anew: half a pair is what remains of an accident. */
export const pairSteps: Steps<PairState> = {
  create: ({ low, high }) => (low === undefined || high === undefined ? [] : createPair(low, high)),
  change: () => undefined,
  remove: ({ low, high }) => [low, high].filter((end) => end !== undefined).slice(0, 1).map((end) =>
    ip(end.place, 'link', 'delete', end.name)),
};

const createPair = (low: PairEnd, high: PairEnd): readonly Step[] => [
  ip(low.place, 'link', 'add', low.name, 'address', low.mac, 'mtu', pairMtu, 'type', 'veth',
    'peer', 'name', high.name, 'address', high.mac, 'mtu', pairMtu, 'netns', high.place),
  ip(low.place, 'link', 'set', 'dev', low.name, 'up'),
  ip(high.place, 'link', 'set', 'dev', high.name, 'up'),
];

/** Above every segment's, so that the pair itself never is the reason to fragment. */
const pairMtu = '9216';
