/**
 * Cabled interfaces. Fabric ports are up; a server port is down in the underlay until something is attached to it, which is
 * the last thing that happens to it. Where the kernel has no bonding, the links of a bundle work one at a time: the first
 * that has carrier, and those before it stay up so that it is seen when they have carrier again.
 */
import type { PortRow } from '../../../goal/rows.ts';
import type { Mac } from '../../../net/brand.ts';
import { address, bond, port, portKey, subinterface } from '../model.ts';
import { aggregates, bondName, doorsOf, exists, isCutOff, isTrunk, workingMember } from './doors.ts';
import type { Member, Way } from './doors.ts';
import type { Rendering } from './render.ts';

export const renderPorts = (rendering: Rendering): void => {
  const { ways, bundles } = doorsOf(rendering, rendering.refuse);
  const renderBundle = aggregates(rendering) ? renderBond : renderOneAtATime;
  for (const [key, row] of rendering.goal.port) checkMedia(rendering, key, row);
  for (const [key, row] of rendering.goal.port) if (row.bundle === undefined) renderPort(rendering, key, row, ways.get(key) ?? []);
  for (const [bundle, members] of bundles) renderBundle(rendering, members, ways.get(bundle) ?? []);
};

const renderPort = (rendering: Rendering, key: string, row: PortRow, ways: readonly Way[]): void => {
  const rows = [`port/${key}`, ...ways.map((way) => way.row)];
  if (!isThere(rendering, key, row, rows)) return;
  const base = { interface: row.interface, mtu: row.mtu, marked: true };
  if (ways.length > 0) {
    openDoors(rendering, row, ways, `port/${key}`);
    return;
  }
  rendering.add(port({ ...base, place: '', master: '', up: row.role === 'fabric' }), ...rows);
  if (row.address === undefined) return;
  rendering.add(address({ place: '', device: row.interface, address: row.address }, portKey(row.interface)), ...rows);
};

/** A port with something attached to it. When it is not the link that works, it is only made ready. */
const openDoors = ({ add }: Rendering, row: PortRow, ways: readonly Way[], own: string, isWorking = true): void => {
  const base = { interface: row.interface, mtu: row.mtu, marked: true };
  const [first] = ways;
  if (first === undefined) return;
  if (!isTrunk(ways)) {
    const item = port({ ...base, place: first.place, master: first.master, up: true, ...learningOf(row, first) });
    add({ ...item, after: first.after }, own, ...(isWorking ? [first.row] : []));
    return;
  }
  add(port({ ...base, place: '', master: '', up: true, guarded: true }), own, ...(isWorking ? ways.map((way) => way.row) : []));
  if (isWorking) openSubinterfaces({ add }, row.interface, row, ways);
};

const openSubinterfaces = ({ add }: Pick<Rendering, 'add'>, trunk: string, port: PortRow, ways: readonly Way[]): void => {
  for (const way of ways) {
    const { vlan, place, master, after, row } = way;
    const state = { name: `${trunk}.${vlan}`, trunk, vlan, place, master, up: true, mtu: port.mtu, whole: true };
    add({ ...subinterface({ ...state, ...learningOf(port, way) }), after }, row);
  }
};

const learningOf = ({ esi }: PortRow, { master }: Way): { readonly learning?: false } => (esi === undefined || master === '' ? {} : { learning: false });

const renderOneAtATime = (rendering: Rendering, members: readonly Member[], ways: readonly Way[]): void => {
  const present = members.filter(({ key, row }) => isThere(rendering, key, row, [`port/${key}`]));
  const working = workingMember(rendering, present);
  const cutOff = isCutOff(rendering);
  if (present.length === 0) for (const way of ways) rendering.refuse(way.row, 'Conflict', 'none of its interfaces is on this device');
  for (const [index, { key, row }] of present.entries()) {
    const standby = ways.length === 0 || index > working || (row.esi !== undefined && cutOff);
    if (!standby) openDoors(rendering, row, ways, `port/${key}`, index === working);
    else rendering.add(port({ interface: row.interface, mtu: row.mtu, marked: true, place: '', master: '', up: false }), `port/${key}`);
  }
};

/**
 * The bond answers servers that speak no LACP on one link as well (the kernel aggregates what it can, at least one), which is
 * what `fallback` asks for. To one server, all leaves of an Ethernet segment are one system.
 */
const renderBond = (rendering: Rendering, members: readonly Member[], ways: readonly Way[]): void => {
  const present = members.filter(({ key, row }) => isThere(rendering, key, row, [`port/${key}`, ...ways.map((way) => way.row)]));
  const [first] = present;
  if (first === undefined) return;
  const name = bondName(members);
  const rows = [...present.map(({ key }) => `port/${key}`), ...ways.map((way) => way.row)];
  const [way] = ways;
  const esi = first.row.esi;
  const system = esi === undefined ? {} : { system: systemOf(esi) };
  const place = way === undefined || isTrunk(ways) ? '' : way.place;
  if (way === undefined) rendering.add(bond({ place, name, master: '', ...system }), ...rows);
  else if (isTrunk(ways)) rendering.add(bond({ place, name, master: '', guarded: true, ...system }), ...rows);
  else rendering.add({ ...bond({ place, name, master: way.master, ...system }), after: way.after }, ...rows);
  for (const { row } of present) rendering.add(port({ interface: row.interface, mtu: row.mtu, marked: true, place, master: name, up: true }), ...rows);
  if (isTrunk(ways)) openSubinterfaces(rendering, name, first.row, ways);
};

/** LACP system identifier of an Ethernet segment: locally administered, with the last four octets of its ESI. */
const systemOf = (esi: string): Mac => `02:65:${esi.split(':').slice(-4).join(':')}` as Mac;

/** Ports run at the speed that they come up with. Saying nothing of it would let people believe that it was set. */
const checkMedia = ({ actual, refuse }: Rendering, key: string, { interface: name, speed, fec }: PortRow): void => {
  if (actual.hardware?.has(name) !== true || (speed === undefined && fec === undefined)) return;
  const asked = [speed, fec === undefined ? undefined : `FEC ${fec}`].filter((word) => word !== undefined).join(' with ');
  refuse(`port/${key}`, 'Unsupported', `"${name}" is hardware, whose speed and FEC this driver does not set; ${asked} is asked for`);
};

const isThere = (rendering: Rendering, key: string, { interface: name }: PortRow, rows: readonly string[]): boolean => {
  if (exists(rendering, name)) return true;
  for (const row of rows) rendering.refuse(row, 'Conflict', `this device has no interface "${name}" for port "${key}"`);
  return false;
};
