/** What the router of an External is made of, from the External's own declaration and its annotations for the lab. Pure. */
import type { Resource } from '../api/object.ts';
import type { ExternalSpec } from '../api/kinds/external.ts';
import { hostPrefix } from '../net/address.ts';
import { interfaceAddress, networkOf, parseInterfaceAddress, addressPart } from '../net/interfaceaddress.ts';
import type { Address } from '../net/brand.ts';
import { annotated, externalAddresses, labAnnotations } from './oracleoutside.ts';
import type { Cable } from './topology.ts';

export interface Router {
  readonly node: string;
  /** VLANs to be made on its ports, as `<trunk>.<vlan>`. */
  readonly tagged: readonly { readonly trunk: string; readonly vlan: number }[];
  /** Lines for `ip -batch`; those that undo what was before may fail. */
  readonly links: readonly string[];
  /** Configuration of bgpd; left out where the External is static. */
  readonly bgp?: string;
}

/** One place where it meets the fabric. */
interface Meeting {
  readonly device: string;
  /** Address of the router with its length. */
  readonly own: string;
  readonly leaf: Address;
  readonly asn?: number;
}

export const routerOf = (object: Resource, cables: readonly Cable[]): Router => {
  const { name: node } = object.metadata;
  const spec = object.spec as ExternalSpec;
  const meetings = (spec.attachments ?? []).flatMap((attachment) => meetingOf(attachment, node, cables));
  const addresses = externalAddresses(object, spec);
  const ports = cables.flatMap(({ ends }) => ends).filter((end) => end.node === node);
  const links = [
    'address flush dev lo scope global',
    ...ports.flatMap(({ interface: port }) => [`address flush dev ${port} scope global`, `link set dev ${port} up`]),
    ...addresses.map((address) => `address replace ${hostPrefix(address)} dev lo`),
    ...meetings.flatMap(({ device, own }) => [`link set dev ${device} up`, `address replace ${own} dev ${device}${own.includes(':') ? ' nodad' : ''}`]),
    ...(spec.static === undefined ? [] : defaultRoutes(meetings)),
  ];
  const tagged = (spec.attachments ?? []).flatMap(({ connection, vlan }) => {
    const trunk = portAt(connection, node, cables);
    return trunk === undefined || vlan === undefined ? [] : [{ trunk, vlan }];
  });
  const [first] = meetings.flatMap(({ asn }) => asn ?? []);
  return { node, tagged, links, ...(first === undefined ? {} : { bgp: configuration(first, meetings, announcements(object, addresses)) }) };
};

const portAt = (connection: string, node: string, cables: readonly Cable[]): string | undefined =>
  cables.filter((cable) => cable.connection === connection).flatMap(({ ends }) => ends).find((end) => end.node === node)?.interface;

const meetingOf = (
  { connection, vlan, address, neighbor, nextHop }: NonNullable<ExternalSpec['attachments']>[number], node: string, cables: readonly Cable[],
): Meeting[] => {
  const port = portAt(connection, node, cables);
  const leaf = parseInterfaceAddress(address);
  const router = neighbor?.address ?? nextHop;
  if (port === undefined || !leaf.ok || router === undefined) return [];
  return [{
    device: vlan === undefined ? port : `${port}.${vlan}`,
    own: interfaceAddress(router as Address, networkOf(leaf.value)),
    leaf: addressPart(leaf.value),
    ...(neighbor === undefined ? {} : { asn: neighbor.asn }),
  }];
};

/** A static router sends everything back, over all places alike. */
const defaultRoutes = (meetings: readonly Meeting[]): string[] =>
  [false, true].flatMap((six) => {
    const hops = meetings.filter(({ leaf }) => leaf.includes(':') === six).map(({ leaf, device }) => `nexthop via ${leaf} dev ${device}`);
    return hops.length === 0 ? [] : [`route replace ${six ? '::/0' : '0.0.0.0/0'} ${hops.join(' ')}`];
  });

interface Announcements {
  readonly prefixes: readonly string[];
  readonly communities: readonly string[];
}

const announcements = (object: Resource, addresses: readonly Address[]): Announcements => {
  const listed = annotated(object, labAnnotations.announces);
  return { prefixes: listed.length > 0 ? listed : addresses.map(hostPrefix), communities: annotated(object, labAnnotations.communities) };
};

const configuration = (asn: number, meetings: readonly Meeting[], { prefixes, communities }: Announcements): string => {
  const neighbours = meetings.filter((meeting) => meeting.asn !== undefined);
  const family = (six: boolean): string[] => {
    const own = neighbours.filter(({ leaf }) => leaf.includes(':') === six);
    return [
      ` address-family ${six ? 'ipv6' : 'ipv4'} unicast`,
      ...(six ? [] : neighbours.filter(({ leaf }) => leaf.includes(':')).map(({ leaf }) => `  no neighbor ${leaf} activate`)),
      ...prefixes.filter((prefix) => prefix.includes(':') === six).map((prefix) => `  network ${prefix}`),
      ...own.flatMap(({ leaf }) => [`  neighbor ${leaf} activate`, ...(communities.length === 0 ? [] : [`  neighbor ${leaf} route-map TAGGED out`])]),
      ' exit-address-family',
    ];
  };
  return [
    ...(communities.length === 0 ? [] : ['route-map TAGGED permit 10', ` set community ${communities.join(' ')}`, 'exit']),
    `router bgp ${asn}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...neighbours.flatMap(({ leaf, asn: own }) => [
      ` neighbor ${leaf} remote-as external`,
      ` neighbor ${leaf} timers connect 1`,
      ...(own === asn ? [] : [` neighbor ${leaf} local-as ${own} no-prepend replace-as`]),
    ]),
    ...family(false),
    ...family(true),
    '',
  ].join('\n');
};
