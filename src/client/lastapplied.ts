/**
 * The three-way merge of `apply`, as kubectl computes it for custom resources, so that both may be used on one object: the
 * annotation holds what was last applied, hence a field that left the file is deleted and one that others set stays.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '../api/object.ts';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { byText } from '../kit/order.ts';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object with its own text as the annotation. kubectl ends that text with a newline; an equal text is no change. */
export const withLastApplied = (object: Resource): Resource => {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const bare = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${JSON.stringify(sorted(bare))}\n`;
  return { ...bare, metadata: { ...bare.metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } };
};

/** Go writes maps in the order of their keys; equal objects then have equal texts. */
const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => byText(a, b)).map(([key, item]) => [key, sorted(item)]));
};

/** What was applied before; empty when nobody applied this object or the annotation is broken. */
export const lastApplied = (live: Resource): JsonObject => {
  try {
    return objectOr(JSON.parse(live.metadata.annotations?.[lastAppliedAnnotation] ?? '{}'));
  } catch {
    return {};
  }
};

/** Merge patch (RFC 7386) that takes `live` to `wanted`; undefined when nothing has to change. */
export const applyPatch = (live: Resource, wanted: Resource): JsonObject | undefined => {
  const { status: _, ...target } = wanted;
  const patch = merged(changes(live, target), deletions(lastApplied(live), target));
  return Object.keys(patch).length === 0 ? undefined : patch;
};

/** Members that are new or different; lists count as one value. */
const changes = (from: unknown, to: unknown): JsonObject => {
  const [old, wanted] = [objectOr(from), objectOr(to)];
  const patch: JsonObject = {};
  for (const [member, value] of Object.entries(wanted)) {
    if (isJsonObject(value) && isJsonObject(old[member])) {
      const inner = changes(old[member], value);
      if (Object.keys(inner).length > 0) patch[member] = inner;
    } else if (!isDeepStrictEqual(old[member], value)) patch[member] = value;
  }
  return patch;
};

/** Members that were applied before and are no longer wanted, as null. */
const deletions = (before: unknown, wanted: unknown): JsonObject => {
  const patch: JsonObject = {};
  const now = objectOr(wanted);
  for (const [member, value] of Object.entries(objectOr(before))) {
    if (!Object.hasOwn(now, member)) patch[member] = null;
    else if (isJsonObject(value) && isJsonObject(now[member])) {
      const inner = deletions(value, now[member]);
      if (Object.keys(inner).length > 0) patch[member] = inner;
    }
  }
  return patch;
};

const merged = (first: JsonObject, second: JsonObject): JsonObject => {
  const result: JsonObject = { ...first };
  for (const [member, value] of Object.entries(second)) {
    const present = result[member];
    result[member] = isJsonObject(value) && isJsonObject(present) ? merged(present, value) : value;
  }
  return result;
};
