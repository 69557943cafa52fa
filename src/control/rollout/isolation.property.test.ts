/** However far the rollout of an object is, no packet passes that neither what was declared before nor what is declared now lets pass. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { deviceScope, type Row } from '../../goal/rows.ts';
import { sceneOf, type Compiled } from '../../scenarios/purestage.ts';
import type { CompileStage } from '../../scenarios/compilestage.ts';
import { kinds } from '../../api/kinds.ts';
import { disagreements, type Disagreement } from '../../verify/bruteforce/testing-enumeration.ts';
import { applyEdit, compiledOf, inside, type Edit } from '../../verify/bruteforce/testing-networks.ts';

/** Rolled out are changes of what there is; addresses of servers stay theirs. */
const changing = new Set(['VPC', 'VPCPeering', 'SecurityPolicy']);

const snapshot = (stage: CompileStage): Compiled => {
  const objects = new Map(kinds.map(({ kind }) => [kind, stage.objects(kind)]));
  const scopes = stage.scopes().map(([scope, rows]): [string, Row[]] => [scope, [...rows]]);
  return { objects: (kind) => objects.get(kind) ?? [], scopes: () => scopes };
};

/** Rows of which devices that were reached have the new ones; what they share is new at the end. */
const mixed = (before: Compiled, after: Compiled, reached: ReadonlySet<string>, isThrough: boolean): [string, Row[]][] => {
  const [old, fresh] = [new Map(before.scopes()), new Map(after.scopes())];
  const isNew = (scope: string): boolean => isThrough || reached.has(scope);
  return [...new Set([...old.keys(), ...fresh.keys()])].map((scope) => [scope, [...((isNew(scope) ? fresh : old).get(scope) ?? [])]]);
};

const idOf = ({ place, packet }: Disagreement): string => JSON.stringify([place, packet]);

/** Packets that get somewhere although it is forbidden. */
const leaks = (compiled: Compiled, scopes: readonly [string, readonly Row[]][]): Map<string, Disagreement> =>
  new Map(disagreements(sceneOf(compiled, new Map()), scopes).filter(({ expected }) => expected === 'deny').map((each) => [idOf(each), each]));

const isChange = (stage: CompileStage, [{ kind, name, namespace = 'default' }, chance]: Edit): boolean =>
  chance !== 0 && changing.has(kind) && stage.objects(kind).some(({ metadata }) => metadata.name === name && (metadata.namespace ?? 'default') === namespace);

test('every prefix of the rollout of an object keeps tenants apart', () => {
  let rolledOut = 0;
  fc.assert(
    fc.property(inside.edits, inside.edits, fc.nat(23), (first, then, order) => {
      const stage = compiledOf(inside, first);
      const before = snapshot(stage);
      const change = then.find((edit) => isChange(stage, edit));
      if (change !== undefined) applyEdit(stage, change);
      const after = snapshot(stage);
      const devices = stage.objects('Switch').map(({ metadata }) => deviceScope(metadata.name));
      const waves = devices.map((_, index) => devices[(index + order) % devices.length] ?? '');
      if (JSON.stringify(before.scopes()) !== JSON.stringify(after.scopes())) rolledOut += 1;
      for (let wave = 0; wave <= waves.length + 1; wave += 1) {
        const scopes = mixed(before, after, new Set(waves.slice(0, wave)), wave > waves.length);
        const forbiddenBefore = leaks(before, scopes);
        const open = [...leaks(after, scopes)].filter(([id]) => forbiddenBefore.has(id)).map(([, each]) => each);
        assert.deepEqual(open, [], `after wave ${wave} of ${waves.join(' ')}`);
      }
    }),
    { numRuns: 40 },
  );
  assert.ok(rolledOut > 3, 'some of them changed rows');
});
