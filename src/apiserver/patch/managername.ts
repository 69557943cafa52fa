/** Names of who writes (`fieldManager`): Kubernetes takes up to 128 characters that can be read. */
import { ApiError } from '../status.ts';

/** The name; `Invalid` otherwise. `options` is the kind of the options it came in, such as `PatchOptions`. */
export const checkedManagerName = (options: string, name: string): string => {
  const isReadable = !/\p{C}/u.test(name);
  if (name.length <= 128 && isReadable) return name;
  const message = isReadable ? `must have at most 128 characters, has ${name.length}` : 'must have printable characters only';
  const findings = [{ path: 'fieldManager', code: 'FieldValueInvalid', message }];
  throw new ApiError('Invalid', `${options}.meta.k8s.io "" is invalid: fieldManager: ${message}`, { group: 'meta.k8s.io', kind: options }, { findings });
};
