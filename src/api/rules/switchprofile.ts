/** Rules of a SwitchProfile: ports can be named in wiring diagrams and found on the device, and what they offer makes sense. */
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedSwitchProfileSpec } from '../kinds/switchprofile.ts';
import { parseInterfaceName, parsePortName } from '../port.ts';
import { breakoutOf, isSpeed, laneInterface, laneOf, typeOf } from '../ports.ts';

type Spec = DefaultedSwitchProfileSpec;
type Port = Spec['ports'][string];

export function switchProfileRules({ spec }: Subject<Spec>, found: Findings): void {
  const ports = Object.entries(spec.ports);
  if (spec.driver !== 'linux') found.add('spec.driver', 'UnknownDriver', `there is no driver "${spec.driver}"; use linux`);
  if (ports.length === 0) found.add('spec.ports', 'TooFew', 'must name at least one port, such as E1/1');
  for (const [name, type] of Object.entries(spec.portTypes ?? {})) checkType(memberPath('spec.portTypes', name), type, found);
  const users = new Map<string, string>();
  const labels = new Map<string, string>();
  for (const [name, port] of ports) {
    const path = memberPath('spec.ports', name);
    checkName(path, name, found);
    checkInterfaces(path, name, port, spec, users, found);
    checkReferences(path, port, spec, found);
    checkSpeed(path, port, spec, found);
    if (port.label === undefined) continue;
    const holder = labels.get(port.label);
    if (holder !== undefined) found.add(`${path}.label`, 'Duplicate', `"${port.label}" is the label of port "${holder}" already`);
    labels.set(port.label, holder ?? name);
  }
}

function checkName(path: string, name: string, found: Findings): void {
  if (found.parsed(path, parsePortName(name)) === undefined) return;
  if (laneOf(name) !== undefined) {
    found.add(path, 'InvalidName', `"${name}" names a lane; name the port alone, lanes follow from its type`);
  } else if (!/^(M[1-9]\d*|E[1-9]\d*\/[1-9]\d*)$/.test(name)) {
    found.add(path, 'InvalidName', `"${name}" is not a neutral port name; write E<unit>/<number> such as E1/1, or M<number> for management`);
  }
}

function checkType(path: string, { speeds = [], breakouts = [], fec = [] }: NonNullable<Spec['portTypes']>[string], found: Findings): void {
  for (const [index, speed] of speeds.entries()) {
    if (!isSpeed(speed)) found.add(`${path}.speeds[${index}]`, 'InvalidSpeed', `"${speed}" is not a speed; write it like 25G`);
  }
  for (const [index, mode] of breakouts.entries()) {
    if (breakoutOf(mode) === undefined) found.add(`${path}.breakouts[${index}]`, 'InvalidBreakout', `"${mode}" is not a breakout; write it like 4x25G, with at most 16 lanes`);
  }
  const lists: Record<string, readonly string[]> = { speeds, breakouts, fec };
  for (const [member, list] of Object.entries(lists)) {
    for (const [index, word] of list.entries()) {
      if (list.indexOf(word) < index) found.add(`${path}.${member}[${index}]`, 'Duplicate', `"${word}" is listed already`);
    }
  }
}

/** No two ports have an interface in common, however they are broken out. */
function checkInterfaces(path: string, name: string, port: Port, spec: Spec, users: Map<string, string>, found: Findings): void {
  const take = (at: string, device: string): void => {
    const user = users.get(device);
    if (user !== undefined && user !== name) found.add(at, 'Duplicate', `"${device}" is the interface of port "${user}" already`);
    users.set(device, user ?? name);
  };
  if (found.parsed(`${path}.interface`, parseInterfaceName(port.interface)) !== undefined) take(`${path}.interface`, port.interface);
  const { breakouts = [] } = typeOf(spec, port);
  const finest = Math.max(0, ...breakouts.map((mode) => breakoutOf(mode)?.lanes ?? 0));
  if (port.lanes !== undefined) checkLanes(path, port.lanes, finest, take, found);
  else for (let lane = 1; lane <= finest; lane += 1) takeLane(`${path}.interface`, laneInterface(port, { lanes: finest, speed: '' }, lane), take, found);
}

type Take = (at: string, device: string) => void;

function checkLanes(path: string, lanes: readonly string[], finest: number, take: Take, found: Findings): void {
  if (lanes.length < finest) found.add(`${path}.lanes`, 'TooFew', `names ${lanes.length} lanes, but the port can be broken out into ${finest}`);
  for (const [index, device] of lanes.entries()) {
    if (lanes.indexOf(device) < index) found.add(`${path}.lanes[${index}]`, 'Duplicate', `"${device}" is a lane of the port already`);
    else takeLane(`${path}.lanes[${index}]`, device, take, found);
  }
}

function takeLane(at: string, device: string, take: Take, found: Findings): void {
  if (found.parsed(at, parseInterfaceName(device)) !== undefined) take(at, device);
}

function checkReferences(path: string, port: Port, spec: Spec, found: Findings): void {
  const { type, pipeline, lanes } = port;
  if (type !== undefined && !Object.hasOwn(spec.portTypes ?? {}, type)) {
    found.add(`${path}.type`, 'UnknownPortType', `spec.portTypes has no "${type}"; add it or name another`);
  }
  if (pipeline !== undefined && !Object.hasOwn(spec.pipelines ?? {}, pipeline)) {
    found.add(`${path}.pipeline`, 'UnknownPipeline', `spec.pipelines has no "${pipeline}"; add it or name another`);
  }
  if (lanes !== undefined && type !== undefined && typeOf(spec, port).breakouts === undefined) {
    found.add(`${path}.lanes`, 'NotAllowed', `ports of type "${type}" cannot be broken out; remove this or add breakouts to the type`);
  }
}

function checkSpeed(path: string, port: Port, spec: Spec, found: Findings): void {
  const { speed } = port;
  if (speed === undefined) return;
  if (!isSpeed(speed)) {
    found.add(`${path}.speed`, 'InvalidSpeed', `"${speed}" is not a speed; write it like 25G`);
    return;
  }
  const { speeds } = typeOf(spec, port);
  if (speeds !== undefined && !speeds.includes(speed)) {
    found.add(`${path}.speed`, 'UnsupportedSpeed', `type "${port.type}" does not offer "${speed}"; it has "${speeds.join('", "')}"`);
  }
}
