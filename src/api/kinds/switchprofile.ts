/** SwitchProfile: what a model of switch has. Port names are neutral (`E1/7`); the profile maps them to the device's own. */
import { type Static, Type } from 'typebox';
import { byName, statusBase, text } from './common.ts';
import { column, defineKind } from './define.ts';
import { switchProfileRules } from '../rules/switchprofile.ts';

export const switchProfileSpec = Type.Object(
  {
    displayName: Type.Optional(text('Name people know the model by.')),
    driver: Type.Optional(Type.String({ description: 'Driver the agent uses: linux.', maxLength: 32 })),
    ports: byName(
      Type.Object(
        {
          interface: Type.String({ minLength: 1, maxLength: 15, description: 'Name of the port on the device itself.' }),
          speed: Type.Optional(Type.String({ maxLength: 8, description: 'Such as 25G.' })),
        },
        { additionalProperties: false },
      ),
      'Ports by neutral name, such as E1/1.',
    ),
    capacity: Type.Optional(
      Type.Object(
        {
          vrfs: Type.Optional(Type.Integer({ minimum: 0 })),
          segments: Type.Optional(Type.Integer({ minimum: 0 })),
          routes: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        { additionalProperties: false, description: 'How much the tables of this model hold.' },
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
    'What a model of switch has: its ports under neutral names such as E1/1 with the names the device itself uses, its driver, and how much its tables hold.',
  spec: switchProfileSpec,
  status: switchProfileStatus,
  defaults: defaultSwitchProfileSpec,
  rules: switchProfileRules,
  columns: [
    column('Model', '.spec.displayName', 'Name people know the model by.'),
    column('Driver', '.spec.driver', 'Driver the agent uses.'),
    column('VRFs', '.spec.capacity.vrfs', 'VRFs the model holds.', 'integer'),
    column('Segments', '.spec.capacity.segments', 'Segments the model holds.', 'integer'),
  ],
});
