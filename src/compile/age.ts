/** Who came first. Of two objects that want the same thing the elder has it, so that what runs stays. */
import { refKey, refOf, type Resource } from '../api/object.ts';

/**
 * Text that orders objects from the oldest to the youngest: creation time, which has whole seconds only, then a UUID of
 * version 7 (RFC 9562), which begins with milliseconds, then the name.
 */
export const ageOf = (object: Resource): string => {
  const { creationTimestamp = '', uid = '' } = object.metadata;
  const timed = /^[\da-f]{8}-[\da-f]{4}-7/.test(uid) ? uid : '';
  return `${creationTimestamp} ${timed} ${refKey(refOf(object))}`;
};
