/** Objects of ours, from their parts. */
import { apiVersion, type Resource } from '../api/object.ts';
import { optional } from '../kit/json.ts';

/** `namespace` is empty for cluster-scoped kinds. */
export const make = (kind: string, name: string, spec: unknown, namespace = '', labels?: Record<string, string>): Resource => ({
  apiVersion,
  kind,
  metadata: { name, ...optional('namespace', namespace === '' ? undefined : namespace), ...optional('labels', labels) },
  spec,
});
