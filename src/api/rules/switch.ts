/** Rules of a Switch: what is pinned can be used, and only a device with tenants has a VTEP. */
import { memberPath, type Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedSwitchSpec } from '../kinds/switch.ts';
import { usableAddress } from './addresses.ts';
import { parsePortName } from '../port.ts';
import { breakoutOf, isSpeed, laneOf } from '../ports.ts';
import { immutable } from './immutable.ts';

export function switchRules({ spec, old }: Subject<DefaultedSwitchSpec>, found: Findings): void {
  const routerId = spec.routerID === undefined ? undefined : usableAddress('spec.routerID', spec.routerID, found);
  checkPorts(spec.ports, found);
  immutable('spec.fabric', old?.fabric, spec.fabric, found);
  if (old !== undefined && (old.role === 'spine') !== (spec.role === 'spine')) {
    const message = `a ${old.role} cannot become a ${spec.role}: its ASN and everything cabled to it would change at once; delete it and create it anew`;
    found.add('spec.role', 'Immutable', message);
  }
  if (spec.vtep === undefined) return;
  const vtep = usableAddress('spec.vtep', spec.vtep, found);
  if (spec.role === 'spine') {
    found.add('spec.vtep', 'NotAllowed', 'a spine carries no tenants and has no VTEP; remove this or make the switch a leaf');
  }
  if (vtep !== undefined && vtep === routerId) {
    found.add('spec.vtep', 'Duplicate', `"${vtep}" is the router id too; the two need addresses of their own`);
  }
}

/** What can be said without the profile. */
function checkPorts(ports: DefaultedSwitchSpec['ports'], found: Findings): void {
  for (const [port, { speed, breakout }] of Object.entries(ports)) {
    const path = memberPath('spec.ports', port);
    if (found.parsed(path, parsePortName(port)) === undefined) continue;
    if (speed !== undefined && !isSpeed(speed)) found.add(`${path}.speed`, 'InvalidSpeed', `"${speed}" is not a speed; write it like 25G`);
    if (breakout !== undefined && breakoutOf(breakout) === undefined) {
      found.add(`${path}.breakout`, 'InvalidBreakout', `"${breakout}" is not a breakout; write it like 4x25G, with at most 16 lanes`);
    }
    if (speed !== undefined && breakout !== undefined) {
      found.add(`${path}.speed`, 'NotAllowed', `lanes of "${breakout}" have the speed that it names; remove speed or breakout`);
    }
    if (laneOf(port) === undefined) continue;
    for (const [member, value] of Object.entries({ speed, breakout })) {
      if (value !== undefined) found.add(`${path}.${member}`, 'NotAllowed', `"${port}" is a lane, of which only fec is set; set the ${member} of the port it is part of`);
    }
  }
}
