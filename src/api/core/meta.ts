/** Schema of `metadata`, the same for every kind: what unknown-field checks, OpenAPI and `kubectl explain` know of it. */
import { Type } from 'typebox';
import { asMap, asSet } from '../fieldtype.ts';

const time = (description: string) => Type.Optional(Type.String({ format: 'date-time', description }));
const texts = (description: string) => Type.Optional(Type.Record(Type.String(), Type.String(), { description }));

export const ownerReferenceSchema = Type.Object(
  {
    apiVersion: Type.String({ description: 'API version of the owner.' }),
    kind: Type.String({ description: 'Kind of the owner.' }),
    name: Type.String({ description: 'Name of the owner.' }),
    uid: Type.String({ description: 'UID of the owner.' }),
    controller: Type.Optional(Type.Boolean({ description: 'Whether the owner is the managing controller; one at most.' })),
    blockOwnerDeletion: Type.Optional(Type.Boolean({ description: 'Whether foreground deletion of the owner waits.' })),
  },
  { description: 'An owner in the same namespace, or cluster-scoped.' },
);

export const managedFieldsEntrySchema = Type.Object(
  {
    manager: Type.Optional(Type.String({ description: 'Who wrote.' })),
    operation: Type.Optional(Type.String({ description: 'Apply or Update.' })),
    apiVersion: Type.Optional(Type.String({ description: 'Version of the kind that the fields are of.' })),
    time: time('When the fields of the entry changed last.'),
    fieldsType: Type.Optional(Type.String({ description: 'FieldsV1.' })),
    fieldsV1: Type.Optional(Type.Object({}, { description: 'The fields, as a tree.', additionalProperties: true })),
    subresource: Type.Optional(Type.String({ description: 'Through which subresource.' })),
  },
  { description: 'Fields of one writer.' },
);

export const objectMetaSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ description: 'Unique among objects of this kind in the namespace; cannot be changed.' })),
    generateName: Type.Optional(Type.String({ description: 'Prefix of a name that the server completes.' })),
    namespace: Type.Optional(Type.String({ description: 'The tenant that the object belongs to; cannot be changed.' })),
    uid: Type.Optional(Type.String({ description: 'Unique in time and space; set by the server.' })),
    resourceVersion: Type.Optional(Type.String({ description: 'Version of this object for optimistic concurrency; opaque.' })),
    generation: Type.Optional(Type.Integer({ description: 'Rises whenever the desired state changes; set by the server.' })),
    creationTimestamp: time('When the object was created; set by the server.'),
    deletionTimestamp: time('When deletion was asked for; the object goes when its finalizers are gone.'),
    deletionGracePeriodSeconds: Type.Optional(Type.Integer({ description: 'Always 0 here.' })),
    labels: texts('Key-value pairs to select objects by.'),
    annotations: texts('Key-value pairs for tools; not for selecting.'),
    ownerReferences: Type.Optional(Type.Array(ownerReferenceSchema, { ...asMap('uid'), description: 'Objects that this one depends on.' })),
    finalizers: Type.Optional(Type.Array(Type.String(), { ...asSet, description: 'Who must clean up before the object goes.' })),
    managedFields: Type.Optional(Type.Array(managedFieldsEntrySchema, { description: 'Who wrote which fields; kept by the server.' })),
    selfLink: Type.Optional(Type.String({ description: 'Obsolete; ignored.' })),
  },
  { description: 'Standard object metadata.' },
);
