/**
 * VLANs of a trunk: filters on it and beside it (programs: bpf/vlan.bpf.c) and a veth pair for each VLAN. A kernel with 8021q
 * gets the same: its VLAN devices would also need programs, against untagged frames that reach the underlay, VLANs that nobody
 * knows and tagged frames out of a bridge, and what is used everywhere is tested everywhere.
 */
import type { Place, SubinterfaceState } from '../model.ts';
import { ip } from './step.ts';
import type { Site, Step, Steps } from './step.ts';

/** Sections of the programs; a device that runs others is set up anew. */
export const vlanSections = { in: 'vlan-in-1', out: 'vlan-out-1', drop: 'vlan-drop-1' } as const;

/** Place of the filter that drops what no other took. */
export const dropPreference = 65000;

/** Place of the filter of a VLAN; 0 is no place. */
export const preferenceOf = (vlan: number): number => (vlan === 0 ? 5000 : vlan);

const tc = (...words: readonly string[]): Step => ({ argv: ['tc', ...words] });

const filter = (device: string, preference: number, ...words: readonly string[]): Step =>
  tc('filter', 'replace', 'dev', device, 'ingress', 'pref', `${preference}`, 'handle', '1', 'protocol', 'all', 'bpf', ...words);

const program = (site: Site, section: string): readonly string[] => ['object-file', site.vlanPrograms ?? 'vlan.bpf.o', 'section', section];

/** The kernel's own IPv6 (neighbour discovery) has nothing to say on a trunk, where it would speak to a tenant's server. */
const quiet = (device: string): Step => ip('', 'link', 'set', 'dev', device, 'addrgenmode', 'none');

/** Of a port of a bridge. */
export const notLearning = (place: Place, device: string): Step => ip(place, 'link', 'set', 'dev', device, 'type', 'bridge_slave', 'learning', 'off');

/** To be done before the device is up. */
export const guard = (device: string, site: Site): readonly Step[] => [
  quiet(device),
  tc('qdisc', 'replace', 'dev', device, 'clsact'),
  filter(device, dropPreference, 'da', ...program(site, vlanSections.drop)),
];

/** To be done when the device is down. */
export const unguard = (device: string): Step => tc('qdisc', 'delete', 'dev', device, 'clsact');

const redirect = (device: string, vlan: number, to: string, site: Site, section: string): Step =>
  filter(device, preferenceOf(vlan), ...program(site, section), 'flowid', `:${vlan.toString(16)}`, 'action', 'mirred', 'egress', 'redirect', 'dev', to);

export const subinterfaceSteps: Steps<SubinterfaceState> = {
  create: (state, site) => {
    const { name, trunk, vlan, place, mtu } = state;
    return [
      ip('', 'link', 'add', name, 'mtu', `${mtu}`, 'type', 'veth', 'peer', 'name', name, 'mtu', `${mtu}`, 'netns', place),
      ...guard(name, site),
      redirect(name, vlan, trunk, site, vlanSections.out),
      redirect(trunk, vlan, name, site, vlanSections.in),
      ip('', 'link', 'set', 'dev', name, 'up'),
      ...settle(state),
    ];
  },
  change: (from, to) => (from.whole && from.place === to.place && from.mtu === to.mtu && from.learning === to.learning ? settle(to) : undefined),
  // Both ends go with one. The filter on the trunk sends into nothing from then on, which the kernel drops.
  remove: ({ name, trunk, vlan }) => [
    ip('', 'link', 'delete', name),
    tc('filter', 'delete', 'dev', trunk, 'ingress', 'pref', `${preferenceOf(vlan)}`),
  ],
};

const settle = ({ name, place, master, up, learning }: SubinterfaceState): readonly Step[] => [
  ip(place, 'link', 'set', 'dev', name, ...(master === '' ? ['nomaster', 'addrgenmode', 'eui64'] : ['master', master, 'addrgenmode', 'none'])),
  ...(learning === false ? [notLearning(place, name)] : []),
  ip(place, 'link', 'set', 'dev', name, up ? 'up' : 'down'),
];
