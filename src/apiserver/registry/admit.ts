/**
 * What happens to an object before it is stored, in this order: prune, default, validate. Every way in (create, update,
 * patch, status, dry run, controllers in process) goes through here.
 */
import { isDeepStrictEqual } from 'node:util';
import { rulesOfRest } from '../../api/check.ts';
import type { Resource } from '../../api/object.ts';
import { duplicateItems, fieldTypeOf } from '../../api/fieldtype.ts';
import { prune, type UnknownField } from '../../api/prune.ts';
import { HeddleError, type Finding } from '../../kit/error.ts';
import { isJsonObject } from '../../kit/json.ts';
import { checkMetadata } from './metadata.ts';
import type { ServedKind } from '../scheme.ts';
import { invalidObject } from '../status.ts';
import { asResource } from './stored.ts';

/** What to do with fields that the schema does not know: refuse, drop with a warning, drop silently. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface AdmitOptions {
  /** Default Strict. */
  readonly fieldValidation?: FieldValidation;
  /** Members that the decoder saw twice. */
  readonly duplicates?: readonly string[];
  /** Called once for each warning. */
  readonly warn?: (text: string) => void;
}

export interface Pruned {
  /** A copy. */
  readonly given: Resource;
  /** Whether the structure was as the schema says, so that it need not be checked once more. */
  readonly isSound: boolean;
}

/** As many unknown fields as are told. */
const told = 100;

/** The value without unknown fields; under Strict one `BadRequest` lists every unknown and duplicate field. */
export const pruneFields = (served: ServedKind, value: unknown, options: AdmitOptions): Pruned => {
  const pruned = prune(served.schema, value);
  const faults = [
    ...(options.duplicates ?? []).map((path) => `duplicate field "${path}"`),
    ...pruned.unknown.slice(0, told).map(unknownText),
    ...(pruned.unknown.length > told ? [`${pruned.unknown.length - told} more unknown fields`] : []),
  ];
  const mode = options.fieldValidation ?? 'Strict';
  if (mode === 'Strict' && faults.length > 0) {
    const { kind } = served.kind;
    throw new HeddleError('BadRequest', `${kind} in version "${served.kind.version}" cannot be handled as a ${kind}: strict decoding error: ${faults.join(', ')}`);
  }
  if (mode === 'Warn') for (const fault of faults) options.warn?.(fault);
  const isSound = checkShape(served, pruned.value);
  return { given: asResource(pruned.value), isSound };
};

/** As Kubernetes says it, and what was meant. */
const unknownText = ({ path, hint }: UnknownField): string => `unknown field "${path}"${hint === undefined ? '' : ` (${hint})`}`;

/** `metadata` of the wrong shape would break the code between here and the schema check. Whether all of it has the right one. */
const checkShape = (served: ServedKind, value: unknown): boolean => {
  if (!isJsonObject(value)) throw new HeddleError('BadRequest', 'the body must be one object');
  const metadata = value['metadata'] ?? {};
  const found = served.check({ ...value, metadata });
  const findings = found.filter((finding) => /^metadata\b/.test(finding.path));
  if (findings.length > 0) throw invalidObject(served, nameIn(metadata), findings);
  return found.length === 0;
};

const nameIn = (metadata: unknown): string =>
  isJsonObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : '';

/** What is known already of an object that is to be admitted. */
export interface Known {
  readonly isSound?: boolean;
  /** Of an update: nothing but status differs. */
  readonly isStatusOnly?: boolean;
}

/**
 * The object with defaults; throws `Invalid` with all findings of schema, metadata and the kind's own rules, which see what
 * the schema does not object to.
 * What an update leaves as it was is not judged again: rules grow stricter, and an object from before must still be able to
 * get a status, lose a finalizer and be deleted.
 */
export const admit = (served: ServedKind, object: Resource, old?: Resource, { isSound = false, isStatusOnly = false }: Known = {}): Resource => {
  const judged = (finding: Finding): boolean => old === undefined || !isUnchanged(finding.path, object, old);
  const structural = isSound ? [] : served.check(object).filter(judged);
  const ofMetadata = checkMetadata(served.kind, object.metadata).filter(judged);
  if (structural.length > 0) {
    const ofRest = rulesOfRest(served.kind, served.schema, object, structural, old);
    refuseFor(served, object, [...structural, ...ofMetadata, ...ofRest.filter(({ path }) => !ofMetadata.some((other) => other.path === path))]);
  }
  const defaulted = served.kind.defaults(object);
  const isSame = old !== undefined && (isStatusOnly || isDeepStrictEqual(desired(old), desired(defaulted)));
  const ofRules = isSame ? [] : [...served.check(defaulted).filter(judged), ...served.kind.validate(defaulted, old)];
  const ofKind = [...ofRules, ...repeatedIn(served, defaulted, judged).filter(({ path }) => !ofRules.some((other) => other.path.startsWith(path)))];
  // Where a kind says more of a member than holds for all kinds, such as of a name, that is enough.
  refuseFor(served, object, [...ofMetadata.filter(({ path }) => !ofKind.some((other) => other.path === path)), ...ofKind]);
  return defaulted;
};

/** Items that lists with keys hold twice, outside metadata. */
const repeatedIn = (served: ServedKind, object: Resource, judged: (finding: Finding) => boolean): Finding[] => {
  const { apiVersion: _, kind: __, metadata: ___, ...rest } = object;
  return duplicateItems(fieldTypeOf(served.schema), rest).filter(judged);
};

const refuseFor = (served: ServedKind, object: Resource, findings: readonly Finding[]): void => {
  if (findings.length > 0) throw invalidObject(served, object.metadata.name, findings);
};

/** What generation counts: everything outside metadata and status. */
export const desired = (object: Resource): object => ({ ...object, metadata: undefined, status: undefined });

/** Whether the top-level member that a path begins with is the same in both. */
const isUnchanged = (path: string, object: Resource, old: Resource): boolean => {
  const member = /^[^.[]*/.exec(path)?.[0] ?? '';
  return member !== '' && isDeepStrictEqual(Reflect.get(object, member), Reflect.get(old, member));
};
