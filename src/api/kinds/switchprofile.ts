/** SwitchProfile: what a model of switch has. Port names are neutral (`E1/7`); the profile maps them to the device's own. */
import { type Static, Type } from 'typebox';
import { byName, statusBase, text } from './common.ts';
import { column, defineKind, wideColumn } from './define.ts';
import { fecModes, fecSchema } from '../ports.ts';
import { switchProfileRules } from '../rules/switchprofile.ts';

const word = (description: string) => Type.String({ minLength: 1, maxLength: 12, description });
const count = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }));
const feature = (description: string) => Type.Optional(Type.Boolean({ description }));

const portType = Type.Object(
  {
    speeds: Type.Optional(Type.Array(word('Such as 25G.'), { minItems: 1, maxItems: 16, description: 'What the port can run at; the first unless a Switch says otherwise.' })),
    breakouts: Type.Optional(Type.Array(word('Such as 4x25G.'), { minItems: 1, maxItems: 16, description: 'Into what the port can be broken out; none unless a Switch says so.' })),
    fec: Type.Optional(Type.Array(fecSchema, { minItems: 1, maxItems: fecModes.length, description: 'Forward error correction that the port can do; the first unless a Switch says otherwise.' })),
  },
  { additionalProperties: false },
);

const port = Type.Object(
  {
    interface: Type.String({ minLength: 1, maxLength: 15, description: 'Name of the port on the device itself.' }),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'One of portTypes; left out: nothing about the port can be set.' })),
    speed: Type.Optional(Type.String({ maxLength: 8, description: 'What it runs at unless a Switch says otherwise, such as 25G, in place of the first speed of its type.' })),
    lanes: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 15 }), {
        minItems: 2,
        maxItems: 16,
        description: 'Names on the device of the ports it is broken out into, at the finest; coarser modes have every second, fourth … of them. Left out: the interface with s0, s1 … behind it.',
      }),
    ),
    label: Type.Optional(word('What is printed beside the port.')),
    group: Type.Optional(word('Ports of one group run at one speed.')),
    pipeline: Type.Optional(word('One of pipelines.')),
  },
  { additionalProperties: false },
);

export const features = {
  l2vni: 'stretches segments to other devices',
  l3vni: 'routes between segments over the fabric',
  ipv6: 'IPv6 towards hosts',
  subinterfaces: 'VLAN tags on server and external ports',
  bundles: 'several cables to one server as one (LACP)',
  multihoming: 'shares a server with other devices of its group (EVPN, RFC 7432)',
  acls: 'filters: SecurityPolicy, isolated and restricted subnets, peerings of some subnets, inbound rules of an External',
  hostBGP: 'BGP with hosts and outside networks, inside a VRF',
} as const;
export type Feature = keyof typeof features;

export const switchProfileSpec = Type.Object(
  {
    displayName: Type.Optional(text('Name people know the model by.')),
    driver: Type.Optional(Type.String({ description: 'Driver the agent uses: linux.', maxLength: 32 })),
    ports: byName(port, 'Ports by neutral name: E<unit>/<number>, or M<number> for management.'),
    portTypes: Type.Optional(byName(portType, 'What ports can do, by a name of your own.')),
    maxPorts: Type.Optional(Type.Integer({ minimum: 1, description: 'How many ports there may be at once after breaking out.' })),
    pipelines: Type.Optional(
      byName(
        Type.Object({ maxPorts: Type.Integer({ minimum: 1, description: 'How many ports of this pipeline there may be at once after breaking out.' }) }, { additionalProperties: false }),
        'Parts of the switching chip that ports belong to.',
      ),
    ),
    features: Type.Optional(
      Type.Object(
        {
          l2vni: feature(`The model ${features.l2vni}.`),
          l3vni: feature(`The model ${features.l3vni}.`),
          ipv6: feature(`The model does ${features.ipv6}.`),
          subinterfaces: feature(`The model does ${features.subinterfaces}.`),
          bundles: feature(`The model takes ${features.bundles}.`),
          multihoming: feature(`The model ${features.multihoming}.`),
          acls: feature(`The model has ${features.acls}.`),
          hostBGP: feature(`The model does ${features.hostBGP}.`),
        },
        { additionalProperties: false, description: 'What the model lacks is false here; each that is left out it has.' },
      ),
    ),
    capacity: Type.Optional(
      Type.Object(
        {
          vrfs: count('VRFs: one a VPC that is attached, or peered with one that is, and one an External.'),
          segments: count('Segments: subnets that something is attached to.'),
          hosts: count('Addresses of hosts behind the ports of the device and of its group.'),
          routes: count('Prefixes in all VRFs: subnets, static routes, and what peerings bring.'),
          mappings: count('Mappings of all MappingSlices of its VPCs.'),
          aclRules: count('Rules of all filters of its VPCs, multiplied out.'),
        },
        { additionalProperties: false, description: 'How much the tables of this model hold; left out: no limit is known.' },
      ),
    ),
  },
  { additionalProperties: false },
);
export type SwitchProfileSpec = Static<typeof switchProfileSpec>;

export const switchProfileStatus = Type.Object({ ...statusBase });

export function defaultSwitchProfileSpec(spec: SwitchProfileSpec) {
  return { ...spec, driver: spec.driver ?? 'linux', capacity: { ...spec.capacity } };
}
export type DefaultedSwitchProfileSpec = ReturnType<typeof defaultSwitchProfileSpec>;

export const switchProfile = defineKind({
  kind: 'SwitchProfile',
  plural: 'switchprofiles',
  shortNames: ['swp'],
  scope: 'Cluster',
  description:
    'What a model of switch has: its ports under neutral names such as E1/1 with the names the device itself uses and what can be set of them, its driver, what it can do, and how much its tables hold.',
  spec: switchProfileSpec,
  status: switchProfileStatus,
  defaults: defaultSwitchProfileSpec,
  rules: switchProfileRules,
  columns: [
    column('Model', '.spec.displayName', 'Name people know the model by.'),
    column('Driver', '.spec.driver', 'Driver the agent uses.'),
    column('VRFs', '.spec.capacity.vrfs', 'VRFs the model holds.', 'integer'),
    column('Segments', '.spec.capacity.segments', 'Segments the model holds.', 'integer'),
    wideColumn('Hosts', '.spec.capacity.hosts', 'Addresses of hosts the model holds.', 'integer'),
    wideColumn('Routes', '.spec.capacity.routes', 'Prefixes the model holds.', 'integer'),
    wideColumn('Mappings', '.spec.capacity.mappings', 'Mappings the model holds.', 'integer'),
    wideColumn('Rules', '.spec.capacity.aclRules', 'Filter rules the model holds.', 'integer'),
  ],
});
