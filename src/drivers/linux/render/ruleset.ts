/**
 * Rules of one VRF for what arrives from its peers, in the very text that `nft list` prints (nft 1.0.6), so that reading
 * back compares equal. A chain a pairing and a rule a prefix: linear in the size of the peering.
 */
import type { LeakRow } from '../../../goal/rows.ts';

/** Table `inet heddle`: what comes in from a peer VRF is dropped unless one pairing permits both its ends. */
export const rulesetText = (leaks: readonly LeakRow[]): string => {
  const sorted = leaks.toSorted((left, right) => left.peerVni - right.peerVni);
  const chains = sorted.flatMap(pairingChains);
  const gate = sorted.flatMap(gateRules);
  return `table inet heddle {\n${[...chains, hook('forward', gate), hook('input', gate)].join('\n')}}\n`;
};

const chain = (name: string, lines: readonly string[]): string =>
  `\tchain ${name} {\n${lines.map((line) => `\t\t${line}\n`).join('')}\t}\n`;

/** `input` too: otherwise the addresses of this VRF's gateways could be reached by every peer. */
const hook = (name: string, rules: readonly string[]): string =>
  chain(name, [`type filter hook ${name} priority filter; policy accept;`, ...rules]);

const family = (prefix: string): string => (prefix.includes(':') ? 'ip6' : 'ip');

/** nft prints a prefix of full length without its length. */
const bare = (prefix: string): string => prefix.replace(/\/32$/, '').replace(/(:.*)\/128$/, '$1');

const chainName = ({ peerVni }: LeakRow, index: number): string => `pv${peerVni}-${index}`;

const pairingChains = (leak: LeakRow): readonly string[] =>
  leak.pairings.map(({ local }, index) =>
    chain(chainName(leak, index), local.map((prefix) => `${family(prefix)} daddr ${bare(prefix)} accept`)));

const gateRules = (leak: LeakRow): readonly string[] => [
  ...leak.pairings.flatMap(({ remote }, index) =>
    remote.map((prefix) => `iifname "pv${leak.peerVni}" ${family(prefix)} saddr ${bare(prefix)} jump ${chainName(leak, index)}`)),
  `iifname "pv${leak.peerVni}" drop`,
];
