/** What this kernel can do, found by doing it in a namespace of its own that is thrown away. */
import { vlanSections } from './steps/subinterface.ts';
import type { Runner } from './tools/tools.ts';

type Argv = readonly [string, ...string[]];

/** Word that is reported, and the command that shows it. Each runs in the scratch namespace. */
const trials: readonly (readonly [string, Argv])[] = [
  ['bond', ['ip', 'link', 'add', 'xbond', 'type', 'bond', 'mode', '802.3ad']],
  ['bridge', ['ip', 'link', 'add', 'xbridge', 'type', 'bridge']],
  ['clsact', ['tc', 'qdisc', 'add', 'dev', 'lo', 'clsact']],
  ['ct-zone', ['nft', 'add table ip q; add chain ip q r { type filter hook prerouting priority -300; }; add rule ip q r ct original zone set 1']],
  ['nexthop', ['ip', 'nexthop', 'add', 'id', '1', 'blackhole']],
  ['nftables', ['nft', 'add table inet probe']],
  ['tun', ['ip', 'tuntap', 'add', 'xtun', 'mode', 'tap']],
  ['veth', ['ip', 'link', 'add', 'xveth0', 'type', 'veth', 'peer', 'name', 'xveth1']],
  ['vlan', ['ip', 'link', 'add', 'link', 'xveth0', 'name', 'xvlan', 'type', 'vlan', 'id', '10']],
  ['vlan-filtering', ['ip', 'link', 'add', 'xfilter', 'type', 'bridge', 'vlan_filtering', '1']],
  ['vnifilter', ['ip', 'link', 'add', 'xvni', 'type', 'vxlan', 'external', 'vnifilter', 'dstport', '4789']],
  ['vrf', ['ip', 'link', 'add', 'xvrf', 'type', 'vrf', 'table', '1001']],
  ['vxlan', ['ip', 'link', 'add', 'xvxlan', 'type', 'vxlan', 'id', '1', 'dstport', '4790', 'nolearning']],
  ['wireguard', ['ip', 'link', 'add', 'xwg', 'type', 'wireguard']],
];

/** Whether frames can be tagged; see bpf/. On the device that the trial `clsact` left ready for filters. */
const tagTrial = (programs: string): readonly [string, Argv] => ['vlan-tags', [
  'tc', 'filter', 'add', 'dev', 'lo', 'ingress', 'pref', '1', 'protocol', 'all', 'bpf', 'object-file', programs, 'section', vlanSections.in,
  'flowid', ':1', 'action', 'mirred', 'egress', 'redirect', 'dev', 'lo',
]];

/**
 * Sorted words. The namespace has no name, since zebra adopts every name in /run/netns as a VRF: it lives as long as the
 * process that holds it.
 */
export const probe = async (run: Runner, vlanPrograms?: string): Promise<readonly string[]> => {
  const all = vlanPrograms === undefined ? trials : [...trials, tagTrial(vlanPrograms)];
  const lines = all.map(([word, argv]) => `if ${argv.map(quoted).join(' ')} >/dev/null 2>&1; then echo ${word}; fi\n`);
  const { stdout } = await run(['unshare', '--net', 'sh'], ['ip link set lo up\n', ...lines].join(''));
  return stdout.split('\n').filter((word) => word !== '').toSorted();
};

/** Everything here is a constant of this file or a path of the program's own; no input ever meets this shell. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
