/** Rules for `metadata` that hold for every kind (Kubernetes object names and IDs; RFC 1123 §2.1 for names). */
import { parseLabel, parseSubdomain } from '../../api/names.ts';
import type { Kind, ObjectMeta } from '../../api/object.ts';
import type { Finding } from '../../kit/error.ts';

const qualifiedPart = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const maxAnnotationBytes = 262_144;

const found = (path: string, code: string, message: string): Finding => ({ path, code, message });

/** All faults of the metadata of an object about to be stored. */
export const checkMetadata = (kind: Kind, metadata: ObjectMeta): Finding[] => {
  const ofName = checkName(kind, metadata.name);
  // Most objects have nothing else.
  return isBare(metadata) ? ofName : [...ofName, ...checkRest(metadata)];
};

const isBare = ({ labels, annotations, finalizers, ownerReferences }: ObjectMeta): boolean =>
  labels === undefined && annotations === undefined && finalizers === undefined && ownerReferences === undefined;

const checkRest = (metadata: ObjectMeta): Finding[] => [
  ...Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => checkLabel(key, value)),
  ...checkAnnotations(metadata.annotations ?? {}),
  ...(metadata.finalizers ?? []).flatMap(checkFinalizer),
  ...checkOwners(metadata),
];

const checkName = (kind: Kind, name: string): Finding[] => {
  if (name === '') return [found('metadata.name', 'MissingField', 'name or generateName is required')];
  if (kind.names === 'path') return isPathSegment(name) ? [] : [found('metadata.name', 'FieldValueInvalid', `"${name}" must not be "." or "..", nor contain "/", "%" or blanks`)];
  const isNamespace = kind.group === '' && kind.kind === 'Namespace';
  const result = isNamespace ? parseLabel(name) : parseSubdomain(name);
  return result.ok ? [] : [found('metadata.name', result.code, result.message)];
};

/** Printable ASCII, for it becomes a part of a key of the store. */
const isPathSegment = (name: string): boolean => /^[!-~]{1,253}$/.test(name) && !/[/%]/.test(name) && name !== '.' && name !== '..';

const isQualified = (key: string): boolean => {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  const prefix = slash === -1 ? undefined : key.slice(0, slash);
  const prefixFits = prefix === undefined || parseSubdomain(prefix).ok;
  return prefixFits && name.length <= 63 && qualifiedPart.test(name);
};

const keyRule = 'must be a name of at most 63 letters, digits, "-", "_" and ".", optionally after a DNS prefix and "/"';

/** Findings of a label that no object can have. */
export const checkLabel = (key: string, value: string): Finding[] => {
  const findings: Finding[] = [];
  if (!isQualified(key)) findings.push(found('metadata.labels', 'FieldValueInvalid', `label key "${key}" ${keyRule}`));
  if (value.length > 63 || !(value === '' || qualifiedPart.test(value))) {
    findings.push(found('metadata.labels', 'FieldValueInvalid', `value "${value}" of label "${key}" must be empty or at most 63 letters, digits, "-", "_" and "."`));
  }
  return findings;
};

const checkAnnotations = (annotations: { readonly [key: string]: string }): Finding[] => {
  const entries = Object.entries(annotations);
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  const badKeys = entries.filter(([key]) => !isQualified(key.toLowerCase()));
  return [
    ...badKeys.map(([key]) => found('metadata.annotations', 'FieldValueInvalid', `annotation key "${key}" ${keyRule}`)),
    ...(bytes > maxAnnotationBytes
      ? [found('metadata.annotations', 'FieldValueTooLong', `annotations are ${bytes} bytes together; at most ${maxAnnotationBytes} are kept`)]
      : []),
  ];
};

const checkFinalizer = (finalizer: string): Finding[] =>
  isQualified(finalizer) ? [] : [found('metadata.finalizers', 'FieldValueInvalid', `finalizer "${finalizer}" ${keyRule}`)];

const checkOwners = (metadata: ObjectMeta): Finding[] => {
  const controllers = (metadata.ownerReferences ?? []).filter((owner) => owner.controller === true);
  if (controllers.length < 2) return [];
  return [found('metadata.ownerReferences', 'FieldValueInvalid', `only one owner can be the controller, not ${controllers.map((owner) => `"${owner.name}"`).join(' and ')}`)];
};
