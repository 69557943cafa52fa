/**
 * Rules that permit nothing that another rule of the same list does not permit already. Told from what the rules say, not
 * from who is selected today: labels change, and a rule that is needed tomorrow must not be called superfluous.
 */
import type { PortRange } from '../../goal/rows.ts';
import { familyOf } from '../../net/address.ts';
import type { Address, Prefix } from '../../net/brand.ts';
import { contains, firstHost, prefixLength } from '../../net/prefix.ts';
import { width } from '../../net/bits.ts';
import { warning, type CompileFinding } from '../finding.ts';
import { isWithin } from '../selection.ts';
import type { ChosenSet, Direction, Ends, Protocol, ResolvedRule } from './policy.ts';

/** Of two that permit the same, the later is told. */
export const shadowedRules = (rules: readonly ResolvedRule[], subjects: Ends, direction: Direction): CompileFinding[] =>
  rules.flatMap((rule, index) => {
    // One that permits nothing to nobody is told for that already.
    if (rule.peers?.prefixes.length === 0 && rule.peers.sets.length === 0) return [];
    const other = rules.find((each, position) => position !== index && covers(each, rule) && !(position > index && covers(rule, each)));
    if (other === undefined) return [];
    const witness = witnessOf(rule, subjects, direction);
    const message = `every packet it permits is permitted by ${other.path} already${witness === undefined ? '' : `, such as ${witness}`}; remove one of the two`;
    return [warning('ShadowedRule', rule.path, message)];
  });

const covers = (outer: ResolvedRule, inner: ResolvedRule): boolean => coversPeers(outer.peers, inner.peers) && coversPorts(outer.ports, inner.ports);

const coversPeers = (outer: Ends | undefined, inner: Ends | undefined): boolean => {
  if (outer === undefined) return true;
  if (inner === undefined) return (['0.0.0.0/0', '::/0'] as Prefix[]).every((all) => outer.prefixes.includes(all));
  return (
    inner.prefixes.every((prefix) => outer.prefixes.some((around) => contains(around, prefix))) &&
    inner.sets.every((set) => outer.sets.some((wider) => isWiderSet(wider, set)))
  );
};

const isWiderSet = ({ choice: wider }: ChosenSet, { choice }: ChosenSet): boolean =>
  wider.vpc === choice.vpc && isWithin(choice.subnets, wider.subnets) && isWithin(choice.attachments, wider.attachments);

type Ports = ResolvedRule['ports'];

const coversPorts = (outer: Ports, inner: Ports): boolean => {
  if (outer === undefined) return true;
  return inner !== undefined && [...inner].every(([protocol, ranges]) => coversRanges(outer.get(protocol), ranges));
};

const coversRanges = (outer: readonly PortRange[] | undefined, inner: readonly PortRange[]): boolean => {
  if (outer === undefined) return false;
  if (outer.length === 0) return true;
  return inner.length > 0 && inner.every(({ from, to }) => outer.some((range) => range.from <= from && to <= range.to));
};

/** A packet that the rule permits, as `tcp 10.1.1.5 -> 10.1.2.7:443`; undefined when it permits none today. */
const witnessOf = ({ peers, ports }: ResolvedRule, subjects: Ends, direction: Direction): string | undefined => {
  const subject = addressesOf(subjects)[0];
  if (subject === undefined) return undefined;
  const peer = peers === undefined ? subject : addressesOf(peers).find((address) => familyOf(address) === familyOf(subject));
  if (peer === undefined) return undefined;
  const [protocol, [range] = []] = firstOf(ports);
  const [source, destination] = direction === 'Ingress' ? [peer, subject] : [subject, peer];
  if (protocol === 'icmp') return `icmp ${source} -> ${destination}`;
  return `${protocol} ${source} -> ${destination.includes(':') ? `[${destination}]` : destination}:${range?.from ?? 443}`;
};

const firstOf = (ports: Ports): readonly [Protocol, readonly PortRange[]] => [...(ports ?? [])][0] ?? ['tcp', []];

/** One of every prefix. */
const addressesOf = ({ prefixes, sets }: Ends): Address[] =>
  [...prefixes, ...sets.flatMap(({ members }) => members.flatMap((member) => member.prefixes))].map((prefix) =>
    prefixLength(prefix) === width(familyOf(prefix)) ? (prefix.slice(0, prefix.indexOf('/')) as Address) : firstHost(prefix));
