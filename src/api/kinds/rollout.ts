/**
 * Rollout: one change of what operators declare, on its way through a fabric wave by wave. Written by the controller alone; those
 * that are over are the history of the fabric. What objects said before is kept, because that is what devices go back to.
 */
import { type Static, Type } from 'typebox';
import { column, defineKind, wideColumn } from './define.ts';

const change = Type.Object(
  {
    kind: Type.String(),
    namespace: Type.String(),
    name: Type.String(),
    generation: Type.Integer({ description: 'Generation that is rolled out.' }),
    before: Type.String({ description: 'The spec that it replaces, as JSON.' }),
    after: Type.String({ description: 'The spec that is rolled out, as JSON.' }),
  },
  { additionalProperties: false },
);
export type RolloutChange = Static<typeof change>;

export type RolloutPhase = RolloutSpec['phase'];

export const rolloutSpec = Type.Object(
  {
    fabric: Type.String({ description: 'The Fabric whose devices are concerned.' }),
    revision: Type.Integer({ description: 'Counts the rollouts of the fabric.' }),
    changes: Type.Array(change, { description: 'Objects that changed.' }),
    phase: Type.Union(
      [Type.Literal('Progressing'), Type.Literal('Paused'), Type.Literal('Halted'), Type.Literal('Complete'), Type.Literal('Superseded')],
      { description: 'Halted: a wave failed; rolledBack says what its devices run then. Superseded: something else is to be rolled out instead.' },
    ),
    wave: Type.Integer({ description: 'Waves that were let go.' }),
    waves: Type.Array(Type.Array(Type.String()), { description: 'Devices by wave; the first are the canaries.' }),
    rolledBack: Type.Optional(Type.Boolean({ description: 'Devices run what they ran before.' })),
    failures: Type.Array(
      Type.Object({ device: Type.String(), reason: Type.String(), message: Type.String() }, { additionalProperties: false }),
      { description: 'Why it was halted.' },
    ),
    startTime: Type.String({ format: 'date-time' }),
    finishTime: Type.Optional(Type.String({ format: 'date-time' })),
    message: Type.String({ description: 'What it does or waits for.' }),
  },
  { additionalProperties: false },
);
export type RolloutSpec = Static<typeof rolloutSpec>;

export const rollout = defineKind({
  kind: 'Rollout',
  plural: 'rollouts',
  scope: 'Cluster',
  description:
    'One change of a fabric on its way through its devices, wave by wave (Fabric.spec.rollout), or one that is over. Written by the controller alone.',
  spec: rolloutSpec,
  status: Type.Object({}),
  defaults: (spec: RolloutSpec): RolloutSpec => spec,
  rules: () => undefined,
  judged: false,
  readOnly: true,
  columns: [
    column('Fabric', '.spec.fabric', 'Fabric.'),
    column('Revision', '.spec.revision', 'Counts the rollouts of the fabric.', 'integer'),
    column('Phase', '.spec.phase', 'How far it is.'),
    column('Wave', '.spec.wave', 'Waves that were let go.', 'integer'),
    column('Objects', '.spec.changes[*].name', 'Objects that changed.'),
    wideColumn('Message', '.spec.message', 'What it does or waits for.'),
  ],
});
