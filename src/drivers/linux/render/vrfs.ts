/** A VPC on this device: namespace, L3VNI (symmetric IRB, RFC 9135 §4.2) and its BGP instance. */
import type { VrfRow } from '../../../goal/rows.ts';
import { parseAddress } from '../../../net/address.ts';
import type { Address } from '../../../net/brand.ts';
import { bridge, frrKey, known, linkKey, loopback, netns, sysctl, vxlan } from '../model.ts';
import { frrContext } from '../frr/context.ts';
import { tellMap } from './externalbgp.ts';
import { routerMac } from './macs.ts';
import { forwardingSysctls } from './sysctls.ts';
import type { Rendering } from './render.ts';

/** Bytes of outer Ethernet, IPv4, UDP and VXLAN headers (RFC 7348 §5). */
const encapsulationBytes = 50;

export const renderVrfs = (rendering: Rendering): void => {
  for (const [key, vrf] of rendering.goal.vrf) renderVrf(rendering, `vrf/${key}`, vrf);
};

const renderVrf = ({ goal, add, configure, refuse }: Rendering, row: string, { name, vni, external }: VrfRow): void => {
  const vtep = goal.vtep.get('self');
  const bgp = goal.bgp.get('underlay');
  if (vtep === undefined || bgp === undefined) {
    refuse(row, 'Conflict', `this device has no ${vtep === undefined ? 'overlay source address' : 'BGP'}, so it cannot hold a VPC`);
    return;
  }
  if (name !== `vrf${vni}`) {
    refuse(row, 'Conflict', `a VRF with VNI ${vni} is named "vrf${vni}" on this device, not "${name}"`);
    return;
  }
  add(netns({ name }), row);
  add(known({ name }), row);
  add(sysctl({ place: name, values: forwardingSysctls }), row);
  add(loopback({ place: name }), row);
  const mtu = overlayMtu(goal.port.values());
  add(bridge({ place: name, name: `br${vni}`, mtu, mac: routerMac(vtep.address), up: true }), row);
  add(
    vxlan({ place: name, name: `vx${vni}`, vni, local: vtep.address, mtu, master: `br${vni}`, learning: false,
      suppressNeighbours: true, up: true }),
    row,
  );
  const top = `router bgp ${bgp.asn} vrf ${name}`;
  // Not before the links, so that one vtysh sets up everything.
  configure([top], [`bgp router-id ${bgp.routerId}`, 'no bgp network import-check'], [linkKey(name, `vx${vni}`)], row);
  const families = ['ipv4', 'ipv6'] as const;
  const anchors = anchorsOf(vtep.address);
  for (const family of families) {
    configure([top, `address-family ${family} unicast`], ['redistribute connected', `network ${anchors[family]}`], [], row);
  }
  const maps = families.map((family) => (external === undefined ? undefined : tellMap(name, family)));
  const told = families.map((family, index) => `advertise ${family} unicast${maps[index] === undefined ? '' : ` route-map ${maps[index]}`}`);
  const policies = maps.flatMap((map) => (map === undefined ? [] : [frrKey([`route-map ${map} permit 20`])]));
  // Route targets stay automatic: their AS part is ignored on import, so leaves of different ASNs match.
  configure([top, 'address-family l2vpn evpn'], [...told, `rd ${bgp.routerId}:${vni}`], policies, row);
  add(frrContext([`vrf ${name}`], [`vni ${vni}`], `${bgp.asn}`), row);
};

/**
 * A prefix in each family that no other leaf announces and nobody has (RFC 1112 §4: reserved; RFC 6666: to be discarded), made of the
 * VTEP. zebra 8.4 forgets the router MAC of a leaf when a prefix that came from it comes from it in another way (a host route as
 * type 2 instead of 5) or when a route of several next hops loses one, unless a route that did not change has it too.
 */
const anchorsOf = (vtep: Address) => {
  const octets = vtep.split('.').map(Number);
  const [first = 0, ...rest] = octets;
  const hex = octets.map((octet) => octet.toString(16).padStart(2, '0'));
  const address = parseAddress(`100::${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`);
  return { ipv4: `${240 + (first % 15)}.${rest.join('.')}/32`, ipv6: `${address.ok ? address.value : '100::1'}/128` };
};

/** What every fabric link carries after encapsulation. */
const overlayMtu = (ports: Iterable<{ readonly role: string; readonly mtu: number }>): number =>
  Math.min(...[...ports].filter(({ role }) => role === 'fabric').map(({ mtu }) => mtu), 9216) - encapsulationBytes;
