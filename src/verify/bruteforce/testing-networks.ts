/** Small networks by chance, compiled: what tenants and networks outside may declare on the fabrics of the scenarios. */
import * as fc from 'fast-check';
import { refOf } from '../../api/object.ts';
import { CompileStage } from '../../scenarios/compilestage.ts';
import { expand, type ShortObject } from '../../scenarios/scenario.ts';
import { outsideObject, outsideWiring, peeredVpcs } from '../../scenarios/testing-outside.ts';
import { insideWiring, tenantObject } from '../../scenarios/testing-tenants.ts';

/** An object that is put, or with 0 deleted. */
export type Edit = readonly [object: ShortObject, chance: number];

export interface Kind {
  readonly name: string;
  readonly edits: fc.Arbitrary<Edit[]>;
  readonly begin: () => CompileStage;
}

const editsOf = (object: fc.Arbitrary<ShortObject>, minLength: number, maxLength: number): fc.Arbitrary<Edit[]> =>
  fc.array(fc.tuple(object, fc.nat(9)), { minLength, maxLength });

const begun = (wiring: ReturnType<typeof insideWiring>, first: readonly ShortObject[]): CompileStage => {
  const stage = new CompileStage(wiring);
  stage.apply(first.map(expand));
  return stage;
};

export const inside: Kind = { name: 'inside', edits: editsOf(tenantObject, 6, 16), begin: () => begun(insideWiring(), []) };
export const outside: Kind = { name: 'outside', edits: editsOf(outsideObject, 8, 20), begin: () => begun(outsideWiring(), peeredVpcs) };

/** What the API refuses is left out, and an External that cables name is not deleted. */
export const applyEdit = (stage: CompileStage, [edit, chance]: Edit): void => {
  const object = JSON.parse(JSON.stringify(expand(edit))) as ReturnType<typeof expand>;
  if (chance === 0 && edit.kind !== 'External') stage.delete([refOf(object)]);
  else if (stage.check(object).length === 0) stage.apply([object]);
};

export const compiledOf = ({ begin }: Kind, edits: readonly Edit[]): CompileStage => {
  const stage = begin();
  for (const edit of edits) applyEdit(stage, edit);
  return stage;
};
