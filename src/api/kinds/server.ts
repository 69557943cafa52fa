/** Server: a machine whose ports are cabled to leaves. Its MAC addresses let DHCP and silent hosts work. */
import { type Static, Type } from 'typebox';
import { byName, mac, statusBase, text } from './common.ts';
import { canonicalMac, mapValues } from './canonical.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { serverRules } from '../rules/server.ts';
import { traceView } from '../traceview.ts';

export const serverSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    ports: byName(
      Type.Object(
        { mac: Type.Optional(mac('MAC address of the port; without it no address is reserved for an attachment.')) },
        { additionalProperties: false },
      ),
      'Ports by name, such as eth1.',
    ),
  },
  { additionalProperties: false },
);
export type ServerSpec = Static<typeof serverSpec>;

export const serverStatus = Type.Object({ ...statusBase });

export function defaultServerSpec(spec: ServerSpec) {
  return {
    ...spec,
    ports: mapValues(spec.ports, (port) => (port.mac === undefined ? port : { ...port, mac: canonicalMac(port.mac) })),
  };
}
export type DefaultedServerSpec = ReturnType<typeof defaultServerSpec>;

export const server = defineKind({
  kind: 'Server',
  plural: 'servers',
  shortNames: ['srv'],
  scope: 'Cluster',
  names: 'label',
  description:
    'A machine whose ports are cabled to leaves. With the MAC address of a port, an attachment can reserve an address for it and silent hosts are reachable at once.',
  spec: serverSpec,
  status: serverStatus,
  defaults: defaultServerSpec,
  rules: serverRules,
  views: { [traceView]: 'Trace' },
  columns: [
    column('MACs', '.spec.ports.*.mac', 'MAC addresses of the ports.'),
    readyColumn,
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
