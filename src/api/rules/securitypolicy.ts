/** Rules of a SecurityPolicy: it has subjects, and every rule can match something. */
import { familyOf } from '../../net/address.ts';
import type { Prefix } from '../../net/brand.ts';
import { contains, parsePrefix } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedSecurityPolicySpec, Peer, PolicyPort } from '../kinds/securitypolicy.ts';
import { directionMembers, peerPaths, rulesOf, selectorsOf } from '../policyparts.ts';
import { selectorRules } from './selector.ts';

export function securityPolicyRules({ spec }: Subject<DefaultedSecurityPolicySpec>, found: Findings): void {
  checkSubjects(spec.subjects, found);
  checkDirections(spec, found);
  for (const { path, of } of selectorsOf(spec)) selectorRules(path, of, found);
  for (const { path, peer } of peerPaths(spec)) checkPeer(path, peer, found);
  for (const direction of ['Ingress', 'Egress'] as const) {
    const [list, member] = directionMembers[direction];
    for (const [index, { peers = [], ports = [] }] of rulesOf(spec, direction).entries()) {
      checkTwice(`spec.${list}[${index}].${member}`, peers, found);
      checkTwice(`spec.${list}[${index}].ports`, ports, found);
      for (const [position, port] of ports.entries()) checkPort(`spec.${list}[${index}].ports[${position}]`, port, found);
    }
  }
}

function checkSubjects({ all, subnets, attachments }: DefaultedSecurityPolicySpec['subjects'], found: Findings): void {
  const selects = subnets !== undefined || attachments !== undefined;
  if (all === undefined && !selects) found.add('spec.subjects', 'Required', 'must select subnets or attachments, or say all: true');
  if (all !== undefined && selects) found.add('spec.subjects.all', 'NotAllowed', 'leaves nothing to be selected; remove it or the selectors');
}

function checkDirections(spec: DefaultedSecurityPolicySpec, found: Findings): void {
  const { directions } = spec;
  if (directions.length === 0) {
    found.add('spec.directions', 'Required', 'must be given when there are no rules; a direction without rules permits nothing');
    return;
  }
  if (directions[0] === directions[1]) found.add('spec.directions[1]', 'Duplicate', `"${directions[1]}" is listed already`);
  for (const direction of ['Ingress', 'Egress'] as const) {
    const [list] = directionMembers[direction];
    if (directions.includes(direction) || spec[list] === undefined) continue;
    found.add(`spec.${list}`, 'NotAllowed', `has no effect, since "${direction}" is not among spec.directions; add it or remove the rules`);
  }
}

function checkPeer(path: string, { vpc, subnets, attachments, cidr, except }: Peer, found: Findings): void {
  const selects = vpc !== undefined || subnets !== undefined || attachments !== undefined;
  if (cidr === undefined && !selects) {
    found.add(path, 'Required', 'must select subnets or attachments, name a VPC, or have a cidr; leave the whole list out to mean everybody');
  }
  if (cidr !== undefined && selects) found.add(`${path}.cidr`, 'NotAllowed', 'cannot be used together with vpc, subnets or attachments; make two peers of it');
  if (cidr === undefined && except !== undefined) found.add(`${path}.except`, 'NotAllowed', 'cannot be used without cidr');
  const outer = cidr === undefined ? undefined : found.parsed(`${path}.cidr`, parsePrefix(cidr));
  for (const [index, text] of (except ?? []).entries()) checkExcept(`${path}.except[${index}]`, text, outer, found);
}

function checkExcept(path: string, text: string, outer: Prefix | undefined, found: Findings): void {
  const inner = found.parsed(path, parsePrefix(text));
  if (inner === undefined || outer === undefined) return;
  if (familyOf(inner) !== familyOf(outer) || !contains(outer, inner)) {
    found.add(path, 'OutsideCIDR', `"${inner}" is not inside "${outer}"; remove it or choose a prefix inside`);
  } else if (inner === outer) {
    found.add(path, 'NothingLeft', `"${inner}" leaves nothing of the cidr; remove the peer`);
  }
}

function checkPort(path: string, { protocol, port, endPort }: PolicyPort, found: Findings): void {
  if (protocol === 'icmp' && (port !== undefined || endPort !== undefined)) {
    found.add(path, 'NotAllowed', 'icmp has no ports; remove port and endPort');
    return;
  }
  if (endPort === undefined) return;
  if (port === undefined) found.add(`${path}.endPort`, 'NotAllowed', 'cannot be used without port, where the range begins');
  else if (endPort < port) found.add(`${path}.endPort`, 'EmptyRange', `${endPort} is below port ${port}; exchange the two`);
}

function checkTwice(path: string, items: readonly unknown[], found: Findings): void {
  const texts = items.map((item) => JSON.stringify(item));
  for (const [index, text] of texts.entries()) {
    const first = texts.indexOf(text);
    if (first !== index) found.add(`${path}[${index}]`, 'Duplicate', `says the same as ${path}[${first}]; remove one`);
  }
}
