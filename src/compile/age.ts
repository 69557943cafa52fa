/** Who came first. Of two objects that want the same thing the elder has it, so that what runs stays. */
import { refKey, type Resource } from '../api/object.ts';

/**
 * Text that orders objects from the oldest to the youngest: creation time, which has whole seconds only, then a UUID of
 * version 7 (RFC 9562), which begins with milliseconds, then the name.
 */
export const ageOf = ({ kind, metadata }: Pick<Resource, 'kind' | 'metadata'>): string => {
  const { name, namespace = '', creationTimestamp = '', uid = '' } = metadata;
  const timed = isVersion7(uid) ? uid : '';
  return `${creationTimestamp} ${timed} ${refKey({ kind, namespace, name })}`;
};

const isVersion7 = (uid: string): boolean => uid[14] === '7' && /^[\da-f]{8}-[\da-f]{4}-7/.test(uid);
