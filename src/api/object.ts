/**
 * The shape that all resources share (Kubernetes object conventions), and the description of a kind. Nothing here knows a
 * particular kind, and nothing here has an effect.
 */
import type { TSchema } from 'typebox';
import type { Finding } from '../kit/error.ts';

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: unknown[];
}

export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** CamelCase, stable. */
  reason: string;
  message: string;
  /** RFC 3339, whole seconds. */
  lastTransitionTime: string;
  observedGeneration?: number;
}

export interface Resource<Spec = unknown, Status = unknown> {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: Spec;
  status?: Status;
}

/** Identity of an object, whatever its revision. `namespace` is empty for cluster-scoped kinds. */
export interface ObjectRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** `Kind/namespace/name`, or `Kind/name` for cluster-scoped kinds: the key under which maps hold objects. */
export const refKey = (ref: ObjectRef): string =>
  ref.namespace === '' ? `${ref.kind}/${ref.name}` : `${ref.kind}/${ref.namespace}/${ref.name}`;

export const refOf = (object: Resource): ObjectRef => ({
  kind: object.kind,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** Kubernetes JSONPath without braces, such as `.status.vni`: CRDs can carry it unchanged. */
  readonly jsonPath: string;
  readonly description: string;
  /** Of core kinds: the cell is how many members these members of the object have together. CRDs cannot say that. */
  readonly counts?: readonly string[];
  /** 0 always shown, 1 only with `-o wide`. */
  readonly priority: 0 | 1;
}

/**
 * Everything the system knows of a kind. `spec` and `status` are JSON Schema built by TypeBox, so that OpenAPI, CRDs,
 * `kubectl explain` and editors come from the same source as validation.
 */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly scope: 'Namespaced' | 'Cluster';
  /** One paragraph for `kubectl explain`. */
  readonly description: string;
  /** Schemas of the top-level members beside apiVersion, kind and metadata: `spec` and `status`, or `data` and the like. */
  readonly properties: { readonly [member: string]: TSchema };
  /** Members that must be present, usually `['spec']`. */
  readonly required: readonly string[];
  /** Fills in defaults; pure, idempotent, returns a new object and never looks at other objects. */
  readonly defaults: (object: Resource) => Resource;
  /** Faults of this object alone that can never become right: answered with 422. Runs after the schema check passed. */
  readonly validate: (object: Resource, old?: Resource) => Finding[];
  /** Objects that must not be deleted while this one, with its defaults, names them. */
  readonly references?: (object: Resource) => readonly ObjectRef[];
  /** What an update from `before` to `after` would take from an object that names this one: a fault of the update. */
  readonly strands?: (before: Resource, after: Resource, user: Resource) => Finding[];
  readonly columns: readonly Column[];
  /** Written by the controller alone, which tells by it what is; other clients may read it and nothing else. */
  readonly readOnly?: true;
  /** JSONPaths that field selectors may use beside metadata.name and metadata.namespace, such as `.involvedObject.name`. */
  readonly selectableFields?: readonly string[];
  /** Members whose values no message may show. */
  readonly confidential?: readonly string[];
  /** Namespaces: a PUT on `/finalize` lets it go, and a collection of them is not deleted at once. */
  readonly finalizes?: true;
  /** Whether `/status` is a subresource of its own (all of our kinds; not core kinds). */
  readonly hasStatus: boolean;
  /**
   * `path`: anything that is one segment of a path, such as `system:basic-user`. `label`: no dots and at most 63 characters,
   * for they become host names or are named in a `<device>/<port>`. Default: DNS subdomains.
   */
  readonly names?: 'path' | 'label';
  /** Nothing of it is kept: a POST is a question, and the answer is the object with its status. */
  readonly createOnly?: true;
  /** Subresources that take a POST and that somebody else than the store answers, with the kind of body and answer. */
  readonly actions?: { readonly [subresource: string]: { readonly group: string; readonly version: string; readonly kind: string } };
  /** Subresources that can only be read and that somebody else than the store answers, with the kind of the answer. */
  readonly views?: { readonly [subresource: string]: string };
}

/** Whether clients know the kind from Kubernetes itself: those take strategic patches and updates that name no version. */
export const isBuiltIn = (kind: Pick<Kind, 'group'>): boolean => kind.group === '' || kind.group.endsWith('.k8s.io');

export const group = 'heddle.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;
