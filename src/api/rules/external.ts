/** Rules of an External: it is met either by BGP or by static routes, at places where its router can be reached. */
import { parseAddress } from '../../net/address.ts';
import type { Address, Prefix } from '../../net/brand.ts';
import { addressPart, networkOf, parseInterfaceAddress } from '../../net/interfaceaddress.ts';
import { contains, isHost, prefixSize } from '../../net/prefix.ts';
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedExternalSpec } from '../kinds/external.ts';
import { disjoint } from './addresses.ts';
import { statementRules } from './externalacl.ts';
import { reservedAsns } from './fabric.ts';
import { outsidePrefix, outsidePrefixes } from './outside.ts';

type Attachment = DefaultedExternalSpec['attachments'][number];

/** So many neighbours a leaf pretends to be; each is an entry of its own. */
const mostProxied = 1024n;

export function externalRules({ spec }: Subject<DefaultedExternalSpec>, found: Findings): void {
  const { bgp, static: fixed } = spec;
  if ((bgp === undefined) === (fixed === undefined)) {
    const has = bgp === undefined ? 'neither is there' : 'both are there';
    found.add('spec', 'ExactlyOne', `exactly one of "bgp" and "static" says how routes are known, and ${has}; bgp: {} is enough for BGP`);
  }
  checkCommunity('spec.bgp.inboundCommunity', bgp?.inboundCommunity, found);
  checkCommunity('spec.bgp.outboundCommunity', bgp?.outboundCommunity, found);
  outsidePrefixes('spec.bgp.prefixes', bgp?.prefixes ?? [], found);
  checkStatic(fixed?.prefixes ?? [], found);
  for (const [index, attachment] of spec.attachments.entries()) {
    const path = `spec.attachments[${index}]`;
    checkMeans(path, attachment, spec, found);
    checkPlace(path, attachment, found);
  }
  checkSharing(spec.attachments, found);
  for (const [index, statement] of spec.inboundACL.entries()) statementRules(`spec.inboundACL[${index}]`, statement, found);
}

function checkStatic(texts: readonly string[], found: Findings): void {
  disjoint(
    texts.flatMap((text, index) => {
      const path = `spec.static.prefixes[${index}]`;
      const prefix = outsidePrefix(path, text, found);
      return prefix === undefined ? [] : [{ path, label: `entry ${index}`, prefix }];
    }),
    found,
  );
}

/** Two numbers of 16 bits (RFC 1997). */
function checkCommunity(path: string, text: string | undefined, found: Findings): void {
  if (text === undefined) return;
  const numbers = /^(0|[1-9]\d*):(0|[1-9]\d*)$/.exec(text)?.slice(1).map(Number);
  if (numbers?.every((number) => number <= 65_535) === true) return;
  found.add(path, 'InvalidCommunity', `"${text}" is not a community; write it as two numbers up to 65535, such as 65102:5000`);
}

function checkMeans(path: string, { neighbor, nextHop }: Attachment, { bgp, static: fixed }: DefaultedExternalSpec, found: Findings): void {
  if ((bgp === undefined) === (fixed === undefined)) return;
  const [wanted, other] = bgp === undefined ? (['nextHop', 'neighbor'] as const) : (['neighbor', 'nextHop'] as const);
  const has = { neighbor, nextHop };
  const way = bgp === undefined ? 'static' : 'met by BGP';
  if (has[wanted] === undefined) found.add(`${path}.${wanted}`, 'MissingField', `is required, since the External is ${way}`);
  if (has[other] !== undefined) found.add(`${path}.${other}`, 'NotAllowed', `has no meaning, since the External is ${way}; remove it`);
  const why = neighbor === undefined ? undefined : reservedAsns.get(neighbor.asn);
  if (neighbor !== undefined && why !== undefined) found.add(`${path}.neighbor.asn`, 'ReservedASN', `${neighbor.asn} cannot be used (${why})`);
}

/** The own address is that of a host, and the other end is another host of the same network. */
function checkPlace(path: string, { address: text, neighbor, nextHop, proxy }: Attachment, found: Findings): void {
  const own = found.parsed(`${path}.address`, parseInterfaceAddress(text));
  const [address, network] = own === undefined ? [] : [addressPart(own), networkOf(own)];
  if (address !== undefined && network !== undefined && !isHost(network, address)) {
    found.add(`${path}.address`, 'NotAHost', `"${address}" is the network or broadcast address of "${network}"; choose another`);
  }
  const others = [[`${path}.neighbor.address`, neighbor?.address], [`${path}.nextHop`, nextHop]] as const;
  const known: (Address | undefined)[] = [address];
  for (const [at, other] of others) {
    if (other === undefined) continue;
    const parsed = found.parsed(at, parseAddress(other));
    known.push(parsed);
    if (parsed !== undefined && address !== undefined && network !== undefined) checkOther(at, parsed, address, network, found);
  }
  checkProxy(`${path}.proxy`, proxy, known, found);
}

function checkOther(path: string, other: Address, own: Address, network: Prefix, found: Findings): void {
  if (other === own) found.add(path, 'SameAddress', `"${other}" is the leaf's own address; name the router outside`);
  else if (!contains(network, other)) found.add(path, 'OutsideNetwork', `"${other}" is not in "${network}", the network of the own address; correct one of them`);
  else if (!isHost(network, other)) found.add(path, 'NotAHost', `"${other}" is the network or broadcast address of "${network}"; choose another`);
}

function checkProxy(path: string, texts: readonly string[], known: readonly (Address | undefined)[], found: Findings): void {
  const prefixes = outsidePrefixes(path, texts, found);
  for (const [index, prefix] of prefixes.entries()) {
    const at = `${path}[${index}]`;
    if (prefix.includes(':')) found.add(at, 'Unsupported', `"${prefix}" is IPv6, for which there is no ARP; use a route outside`);
    const taken = known.find((address) => address !== undefined && contains(prefix, address));
    if (taken !== undefined) found.add(at, 'AddressInUse', `"${prefix}" holds "${taken}", which is an end of the cable itself; leave it out`);
  }
  const addresses = prefixes.filter((prefix) => !prefix.includes(':')).reduce((sum, prefix) => sum + prefixSize(prefix), 0n);
  if (addresses > mostProxied) found.add(path, 'TooMany', `holds ${addresses} addresses, at most ${mostProxied} are answered for; use a route outside`);
}

const placeOf = ({ connection, vlan }: Attachment): string => (vlan === undefined ? connection : `${connection}, VLAN ${vlan}`);

/** Several routers may be met at one place, at which the leaf then has one address; two places never have the same. */
function checkSharing(attachments: readonly Attachment[], found: Findings): void {
  const routers = new Map<string, number>();
  for (const [index, attachment] of attachments.entries()) {
    const path = `spec.attachments[${index}]`;
    const earlier = attachments.slice(0, index);
    const same = earlier.find((other) => placeOf(other) === placeOf(attachment));
    if (same !== undefined && (same.address !== attachment.address || same.proxy.join() !== attachment.proxy.join())) {
      found.add(`${path}.address`, 'PlaceInUse', `"${placeOf(attachment)}" has address "${same.address}" already; say the same address and proxy for both routers`);
    }
    const [own = ''] = attachment.address.split('/');
    const twin = earlier.find((other) => placeOf(other) !== placeOf(attachment) && other.address.split('/')[0] === own);
    if (twin !== undefined) found.add(`${path}.address`, 'Duplicate', `"${own}" is the address at "${placeOf(twin)}" too; each place needs one of its own`);
    const router = attachment.neighbor?.address ?? attachment.nextHop;
    const key = `${placeOf(attachment)} ${router}`;
    const before = routers.get(key);
    if (before !== undefined) found.add(path, 'Duplicate', `names the same router as spec.attachments[${before}]; remove one`);
    routers.set(key, before ?? index);
  }
}
