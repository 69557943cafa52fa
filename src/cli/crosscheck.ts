/**
 * What objects of files say of each other, judged by the compiler without a server. What they name and is not there may be on a
 * server, so it is no fault, and is told only where the files hold a Fabric, as those of a whole network do.
 */
import { kindByName } from '../api/kinds.ts';
import { refOf, type Resource } from '../api/object.ts';
import { CompileStage } from '../scenarios/compilestage.ts';
import { inDependencyOrder } from './offline.ts';
import type { Located, Source } from './source.ts';

export interface Crossed {
  readonly faults: readonly Located[];
  readonly warnings: readonly Located[];
}

/** Codes of findings that an object is not there; a port or subnet that is not is one of an object that is. */
const absent: ReadonlySet<string> = new Set([
  'UnknownAddressSpace', 'UnknownConnection', 'UnknownDevice', 'UnknownExternal', 'UnknownFabric', 'UnknownSwitchProfile', 'UnknownVPC',
]);

/** Follows from a finding about another object, which is told itself. */
const isConsequence = (code: string): boolean => code.endsWith('NotAccepted');

/** Of objects without faults of their own. Elder is who comes first: kinds in the order of creation, else as in the files. */
export const crossCheck = (sources: readonly Source[]): Crossed => {
  const own = inDependencyOrder(sources).flatMap((source) => {
    const object = asStored(source.object);
    return object === undefined ? [] : [{ object, locate: source.locate }];
  });
  const stage = new CompileStage(own.map(({ object }) => object));
  const found = own.flatMap(({ object, locate }) =>
    stage.findings(refOf(object)).map((finding) => ({ place: locate(finding.path), finding })),
  );
  const isWhole = own.some(({ object }) => object.kind === 'Fabric');
  const told = found.filter(({ finding: { severity, code } }) => severity !== 'pending' && !isConsequence(code) && (isWhole || !absent.has(code)));
  const isFault = ({ finding: { severity, code } }: (typeof told)[number]): boolean => severity === 'error' && !absent.has(code);
  return { faults: told.filter(isFault), warnings: told.filter((each) => !isFault(each)) };
};

/** Undefined for kinds that are not ours. */
const asStored = (object: Resource): Resource | undefined => {
  const kind = kindByName(object.kind);
  if (kind === undefined) return undefined;
  const namespace = kind.scope === 'Namespaced' ? { namespace: object.metadata.namespace ?? 'default' } : {};
  return kind.defaults({ ...object, metadata: { ...object.metadata, ...namespace } });
};
