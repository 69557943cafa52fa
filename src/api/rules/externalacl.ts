/** Rules of one statement of an inbound ACL: what it matches exists. */
import { familyOf } from '../../net/address.ts';
import type { Prefix } from '../../net/brand.ts';
import { parsePrefix } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import type { DefaultedExternalSpec } from '../kinds/external.ts';

type Statement = DefaultedExternalSpec['inboundACL'][number];

export function statementRules(path: string, statement: Statement, found: Findings): void {
  const { protocol, ports, established, icmpType, icmpCode } = statement;
  const needs = (member: string, protocols: string): void =>
    found.add(`${path}.${member}`, 'NotAllowed', `has no meaning ${protocol === undefined ? 'without a protocol' : `with protocol "${protocol}"`}; it needs ${protocols}`);
  if (ports !== undefined && protocol !== 'tcp' && protocol !== 'udp') needs('ports', '"tcp" or "udp"');
  if (ports !== undefined && ports.from > ports.to) {
    found.add(`${path}.ports`, 'EmptyRange', `"from" ${ports.from} is above "to" ${ports.to}; swap them`);
  }
  if (established === true && protocol !== 'tcp') needs('established', '"tcp"');
  if (icmpType !== undefined && protocol !== 'icmp') needs('icmpType', '"icmp"');
  if (icmpCode !== undefined && icmpType === undefined) found.add(`${path}.icmpCode`, 'MissingField', 'is the code of an icmpType, which is missing');
  const prefixes = [endOf(`${path}.source`, statement.source, found), endOf(`${path}.destination`, statement.destination, found)];
  const [source, destination] = prefixes;
  if (source === undefined || destination === undefined || familyOf(source) === familyOf(destination)) return;
  found.add(`${path}.destination`, 'FamilyMismatch', `"${destination}" and source "${source}" are of different IP versions; no packet has both`);
}

const endOf = (path: string, text: string | undefined, found: Findings): Prefix | undefined =>
  text === undefined ? undefined : found.parsed(path, parsePrefix(text));
