/** Switch: one device that forwards. What is left out is allocated once and then stays. */
import { type Static, Type } from 'typebox';
import { address, byName, name, statusBase, text } from './common.ts';
import { canonicalAddress } from './canonical.ts';
import { clusterWide, column, defineKind, readyColumn, wideColumn } from './define.ts';
import { goalView } from '../goalview.ts';
import { capacityTables, type CapacityTable } from '../capacity.ts';
import { fecSchema } from '../ports.ts';
import { switchRules } from '../rules/switch.ts';

export const switchSpec = Type.Object(
  {
    role: Type.Union([Type.Literal('spine'), Type.Literal('leaf'), Type.Literal('border')], {
      description: 'spine: connects leaves; leaf: servers attach here; border: a leaf that also meets the outside.',
    }),
    fabric: Type.Optional(name('Fabric this switch belongs to; default "default".')),
    profile: Type.Optional(name('SwitchProfile; default "linux-soft".')),
    group: Type.Optional(name('Redundancy group: leaves that servers may be multihomed to share one.')),
    drain: Type.Optional(Type.Boolean({ description: 'Leads traffic around the switch, so that it can be taken out without loss; default false.' })),
    ports: Type.Optional(
      byName(
        Type.Object(
          {
            speed: Type.Optional(Type.String({ maxLength: 8, description: 'Such as 25G; one that the profile supports.' })),
            breakout: Type.Optional(Type.String({ maxLength: 12, description: 'Such as 4x25G; its lanes are ports of their own, E1/5/1 to E1/5/4.' })),
            fec: Type.Optional(fecSchema),
          },
          { additionalProperties: false },
        ),
        'What differs from the profile, by port or lane (E1/5/2, only fec).',
      ),
    ),
    description: Type.Optional(text('Free text.')),
    asn: Type.Optional(Type.Integer({ minimum: 1, maximum: 4294967294, description: 'Pins the ASN instead of allocating one.' })),
    routerID: Type.Optional(address('Pins the router id (an IPv4 address).')),
    vtep: Type.Optional(address('Pins the VTEP address (leaves only).')),
  },
  { additionalProperties: false },
);
export type SwitchSpec = Static<typeof switchSpec>;

const tableUse = Type.Object({
  used: Type.Integer({ description: 'Entries that the goal state needs.' }),
  of: Type.Integer({ description: 'Entries that the profile says the device holds.' }),
});

export const switchStatus = Type.Object({
  ...statusBase,
  asn: Type.Optional(Type.Integer()),
  routerID: Type.Optional(Type.String()),
  vtep: Type.Optional(Type.String()),
  agent: Type.Optional(
    Type.Object({
      connected: Type.Boolean(),
      version: Type.Optional(Type.String()),
      bootEpoch: Type.Optional(Type.String()),
      driver: Type.Optional(Type.String()),
      capabilities: Type.Optional(Type.Array(Type.String())),
      /** When the connection came or went. */
      since: Type.Optional(Type.String({ format: 'date-time' })),
    }),
  ),
  sessions: Type.Optional(Type.String({ description: 'BGP sessions with other devices of the fabric: established/all. Absent while the device does not tell.' })),
  capacity: Type.Optional(
    Type.Object(
      Object.fromEntries(capacityTables.map((table) => [table, Type.Optional(tableUse)])) as Record<CapacityTable, ReturnType<typeof Type.Optional<typeof tableUse>>>,
      { description: 'How much of the tables of its profile the goal state uses.' },
    ),
  ),
  rows: Type.Optional(Type.Integer({ description: 'Rows of goal state this device holds.' })),
  held: Type.Optional(
    Type.Object(
      {
        reason: Type.String({ description: 'TooManyRows, TooManyDevices or EmptyGoal.' }),
        rows: Type.Integer({ description: 'Rows that would be deleted, with those deleted shortly before.' }),
        of: Type.Integer({ description: 'Rows that the device had before that.' }),
        limit: Type.Integer({ description: 'Rows that may be deleted without a question.' }),
        since: Type.String({ format: 'date-time' }),
        token: Type.String({ description: 'Value of the annotation heddle.dev/allow-deletions on this Switch that allows the deletion.' }),
      },
      { description: 'A deletion that exceeds the safety limits of the Fabric and waits for a decision; absent when there is none.' },
    ),
  ),
  driftRepaired: Type.Optional(Type.Integer({ description: 'Rows that something else changed on the device and the agent put back.' })),
});
export type SwitchStatus = Static<typeof switchStatus>;

export function defaultSwitchSpec(spec: SwitchSpec) {
  return {
    ...spec,
    fabric: spec.fabric ?? 'default',
    profile: spec.profile ?? 'linux-soft',
    drain: spec.drain ?? false,
    ports: spec.ports ?? {},
    ...(spec.routerID !== undefined && { routerID: canonicalAddress(spec.routerID) }),
    ...(spec.vtep !== undefined && { vtep: canonicalAddress(spec.vtep) }),
  };
}
export type DefaultedSwitchSpec = ReturnType<typeof defaultSwitchSpec>;

export const switchKind = defineKind({
  kind: 'Switch',
  plural: 'switches',
  shortNames: ['sw'],
  scope: 'Cluster',
  names: 'label',
  description:
    'A device that forwards: a spine connects leaves, servers attach to leaves. ASN, router id and VTEP address are allocated once unless they are pinned here.',
  spec: switchSpec,
  status: switchStatus,
  defaults: defaultSwitchSpec,
  rules: switchRules,
  views: { [goalView]: 'GoalState' },
  references: ({ fabric, profile }) => [clusterWide('Fabric', fabric), clusterWide('SwitchProfile', profile)],
  columns: [
    column('Role', '.spec.role', 'spine, leaf or border.'),
    column('ASN', '.status.asn', 'BGP autonomous system number.', 'integer'),
    column('Router-ID', '.status.routerID', 'Loopback and BGP identifier.'),
    column('VTEP', '.status.vtep', 'Source address of the overlay.'),
    column('Connected', '.status.agent.connected', 'Whether the agent of the switch is connected.', 'boolean'),
    readyColumn,
    wideColumn('Sessions', '.status.sessions', 'BGP sessions with other devices of the fabric, established/all.'),
    wideColumn('Profile', '.spec.profile', 'SwitchProfile.'),
    wideColumn('Fabric', '.spec.fabric', 'Fabric.'),
    wideColumn('Agent', '.status.agent.version', 'Version of the agent.'),
    wideColumn('VRFs', '.status.capacity.vrfs.used', 'VRFs in use.', 'integer'),
    wideColumn('Segments', '.status.capacity.segments.used', 'Segments in use.', 'integer'),
    wideColumn('Rows', '.status.rows', 'Rows of goal state the switch holds.', 'integer'),
    wideColumn('Held', '.status.held.rows', 'Rows whose deletion is held by the safety limits.', 'integer'),
    wideColumn('Drift', '.status.driftRepaired', 'Rows put back after something else changed them.', 'integer'),
    wideColumn('Description', '.spec.description', 'Free text.'),
  ],
});
