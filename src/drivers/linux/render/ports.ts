/**
 * Cabled interfaces. Fabric ports are up; a server port is down in the underlay until an attachment puts it into a
 * segment, which is the last thing that happens to it.
 */
import type { AttachmentRow, PortRow, SegmentRow } from '../../../goal/rows.ts';
import { address, bond, frrKey, linkKey, port, portKey, rulesetKey, sysctlKey } from '../model.ts';
import type { ItemKey } from '../model.ts';
import type { Rendering } from './render.ts';

/** Where an attached port or bundle goes. */
interface Destination {
  readonly row: string;
  readonly segment: SegmentRow;
}

export const renderPorts = (rendering: Rendering): void => {
  const destinations = destinationsOf(rendering);
  for (const [key, row] of rendering.goal.port) {
    if (row.bundle === undefined) renderPort(rendering, key, row, destinations.get(key));
    else renderMember(rendering, key, row, row.bundle, destinations.get(row.bundle));
  }
};

const destinationsOf = ({ goal, refuse }: Rendering): ReadonlyMap<string, Destination> => {
  const bundles = new Set([...goal.port.values()].map(({ bundle }) => bundle));
  const destinations = new Map<string, Destination>();
  for (const [key, attachment] of goal.attachment) {
    const row = `attachment/${key}`;
    const segment = goal.segment.get(`${attachment.segment}`);
    const problem = problemOf(attachment, segment, goal.port.get(attachment.port), bundles);
    if (problem !== undefined) refuse(row, 'Conflict', problem);
    else if (segment !== undefined) destinations.set(attachment.port, { row, segment });
  }
  return destinations;
};

const problemOf = (
  { port: name, segment: vni }: AttachmentRow,
  segment: SegmentRow | undefined,
  row: PortRow | undefined,
  bundles: ReadonlySet<string | undefined>,
): string | undefined => {
  if (row === undefined && !bundles.has(name)) return `port "${name}" is not cabled on this device`;
  if (row?.role === 'fabric') return `port "${name}" leads to another switch, so no server can be attached to it`;
  if (row?.bundle !== undefined) return `port "${name}" is part of bundle "${row.bundle}": attach the bundle instead`;
  return segment === undefined ? `segment ${vni} is not on this device` : undefined;
};

/** What must be in place before a port opens into a segment. */
export const readySegment = ({ goal }: Rendering, { vni, vrf, gateways }: SegmentRow): readonly ItemKey[] => {
  const bgp = goal.bgp.get('underlay');
  return [
    linkKey(vrf, `vx${vni}`),
    ...gateways.map((gateway) => `address/${vrf}/br${vni}/${gateway}`),
    sysctlKey(vrf),
    rulesetKey(vrf),
    frrKey([`vrf ${vrf}`]),
    ...(bgp === undefined ? [] : [frrKey([`router bgp ${bgp.asn} vrf ${vrf}`, 'address-family l2vpn evpn'])]),
  ];
};

const renderPort = (rendering: Rendering, key: string, row: PortRow, to: Destination | undefined): void => {
  const rows = [`port/${key}`, ...(to === undefined ? [] : [to.row])];
  if (!exists(rendering, row.interface)) {
    refuseAll(rendering, rows, `this device has no interface "${row.interface}" for port "${key}"`);
    return;
  }
  const base = { interface: row.interface, mtu: row.mtu, marked: true };
  if (to === undefined) {
    rendering.add(port({ ...base, place: '', master: '', up: row.role === 'fabric' }), ...rows);
    if (row.address !== undefined) {
      const on = portKey(row.interface);
      rendering.add(address({ place: '', device: row.interface, address: row.address }, on), ...rows);
    }
    return;
  }
  const item = port({ ...base, place: to.segment.vrf, master: `br${to.segment.vni}`, up: true });
  rendering.add({ ...item, after: readySegment(rendering, to.segment) }, ...rows);
};

/** Name of the bond of a bundle: after its first member, since bundle names may be longer than interface names. */
export const bondName = ({ goal }: Rendering, bundle: string): string => {
  const members = [...goal.port.values()].filter((row) => row.bundle === bundle).map((row) => row.interface);
  return `b-${members.toSorted()[0] ?? bundle}`.slice(0, 15);
};

const renderMember = (
  rendering: Rendering, key: string, row: PortRow, bundle: string, to: Destination | undefined,
): void => {
  const rows = [`port/${key}`, ...(to === undefined ? [] : [to.row])];
  if (!exists(rendering, row.interface)) {
    refuseAll(rendering, rows, `this device has no interface "${row.interface}" for port "${key}"`);
    return;
  }
  const base = { interface: row.interface, mtu: row.mtu, marked: true };
  if (!rendering.actual.capabilities.has('bond')) {
    for (const id of rows) {
      rendering.refuse(id, 'Unsupported', `bundle "${bundle}" needs link aggregation (LACP), which the kernel of this switch lacks: `
        + 'connect the server with an unbundled link, or use a switch that can');
    }
    rendering.add(port({ ...base, place: '', master: '', up: false }));
    return;
  }
  const name = bondName(rendering, bundle);
  const place = to?.segment.vrf ?? '';
  const item = bond({ place, name, master: to === undefined ? '' : `br${to.segment.vni}` });
  rendering.add(to === undefined ? item : { ...item, after: readySegment(rendering, to.segment) }, ...rows);
  rendering.add(port({ ...base, place, master: name, up: true }), ...rows);
};

const exists = ({ actual }: Rendering, name: string): boolean => actual.items.has(portKey(name)) || actual.unclaimed.has(name);

const refuseAll = ({ refuse }: Rendering, rows: readonly string[], message: string): void => {
  for (const row of rows) refuse(row, 'Conflict', message);
};

