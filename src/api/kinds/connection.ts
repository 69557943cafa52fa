/**
 * Connection: cables between two devices, or between one server and its leaves. What it is (fabric, unbundled, bundle)
 * follows from what its ends are and is shown in status.type.
 */
import { type Static, Type } from 'typebox';
import { statusBase, text } from './common.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { parsePortRef } from '../port.ts';
import { connectionRules } from '../rules/connection.ts';

export const connectionSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    links: Type.Array(
      Type.Object(
        {
          ends: Type.Array(Type.String({ minLength: 3, maxLength: 128, description: '<device>/<port>, such as leaf-1/E1/1.' }), {
            minItems: 2,
            maxItems: 2,
            description: 'The two ports that the cable joins.',
          }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 64, description: 'Parallel cables.' },
    ),
    fallback: Type.Optional(
      Type.Boolean({ description: 'Of a server with several links: one of them works before the server speaks LACP, so that it can boot over the network; default false.' }),
    ),
    mtu: Type.Optional(Type.Integer({ minimum: 1280, maximum: 9216, description: 'MTU of server links, bytes.' })),
  },
  { additionalProperties: false },
);
export type ConnectionSpec = Static<typeof connectionSpec>;

export const connectionStatus = Type.Object({
  ...statusBase,
  type: Type.Optional(Type.String({ description: 'fabric, mesh, unbundled, bundle, multihomed, external or gateway.' })),
  cables: Type.Optional(
    Type.Array(Type.Object({ ends: Type.Array(Type.String()) }), {
      description: 'Between switches: the cables in use, and those that were taken out and are being drained.',
    }),
  ),
  draining: Type.Optional(Type.Boolean({ description: 'Traffic is led around it, or around cables that were taken out of it, before they go.' })),
});
export type ConnectionStatus = Static<typeof connectionStatus>;

export const defaultConnectionSpec = (spec: ConnectionSpec) => ({ ...spec });
export type DefaultedConnectionSpec = ReturnType<typeof defaultConnectionSpec>;

/** Whatever the device is. An External is left out: it names the Connection, and one of the two must go first. */
const devicesAt = (end: string) => {
  const ref = parsePortRef(end);
  return ref.ok ? (['Switch', 'Server', 'Gateway'] as const).map((kind) => clusterWide(kind, ref.value.device)) : [];
};

export const connection = defineKind({
  kind: 'Connection',
  plural: 'connections',
  shortNames: ['conn'],
  scope: 'Cluster',
  description:
    'Parallel cables between the same two devices. Between a spine and a leaf it carries the underlay (fabric); between a server and a leaf it is one link (unbundled) or several (bundle, LACP).',
  spec: connectionSpec,
  status: connectionStatus,
  defaults: defaultConnectionSpec,
  rules: connectionRules,
  references: ({ links }) => links.flatMap(({ ends }) => ends.flatMap(devicesAt)),
  columns: [
    column('Type', '.status.type', 'fabric, mesh, unbundled, bundle, multihomed, external or gateway.'),
    column('Ends', '.spec.links[*].ends[*]', 'The ports that the cables join.'),
    readyColumn,
    wideColumn('Cabled', '.status.conditions[?(@.type=="Cabled")].status', 'Whether neighbours are heard where the cables are declared.'),
    wideColumn('MTU', '.spec.mtu', 'MTU of server links, bytes.', 'integer'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
