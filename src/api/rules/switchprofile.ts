/** Rules of a SwitchProfile: ports can be named in wiring diagrams and found on the device. */
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedSwitchProfileSpec } from '../kinds/switchprofile.ts';
import { parseInterfaceName, parsePortName } from '../port.ts';

export function switchProfileRules({ spec }: Subject<DefaultedSwitchProfileSpec>, found: Findings): void {
  const ports = Object.entries(spec.ports);
  if (ports.length === 0) found.add('spec.ports', 'TooFew', 'must name at least one port, such as E1/1');
  const users = new Map<string, string>();
  for (const [port, { interface: device }] of ports) {
    const path = memberPath('spec.ports', port);
    found.parsed(path, parsePortName(port));
    found.parsed(`${path}.interface`, parseInterfaceName(device));
    const user = users.get(device);
    if (user !== undefined) found.add(`${path}.interface`, 'Duplicate', `"${device}" is the interface of port "${user}" already`);
    users.set(device, user ?? port);
  }
}
