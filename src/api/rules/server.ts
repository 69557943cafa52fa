/** Rules of a Server: ports that exist under Linux's own limits, each with a MAC address that is its alone. */
import type { Findings } from '../findings.ts';
import { memberPath } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedServerSpec } from '../kinds/server.ts';
import { parseInterfaceName } from '../port.ts';
import { unicastMac } from './addresses.ts';

const mostPorts = 256;

export function serverRules({ spec }: Subject<DefaultedServerSpec>, found: Findings): void {
  const ports = Object.entries(spec.ports);
  if (ports.length === 0) found.add('spec.ports', 'TooFew', 'must name at least one port, such as eth1: {}');
  if (ports.length > mostPorts) found.add('spec.ports', 'TooMany', `must have at most ${mostPorts} entries, has ${ports.length}`);
  const users = new Map<string, string>();
  for (const [port, { mac: text }] of ports) {
    const path = memberPath('spec.ports', port);
    found.parsed(path, parseInterfaceName(port));
    const mac = text === undefined ? undefined : unicastMac(`${path}.mac`, text, found);
    if (mac === undefined) continue;
    const user = users.get(mac);
    if (user !== undefined) found.add(`${path}.mac`, 'Duplicate', `"${mac}" is the MAC address of port "${user}" already`);
    users.set(mac, user ?? port);
  }
}
