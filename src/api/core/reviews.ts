/**
 * The questions about access that clients ask (authorization.k8s.io/v1, authentication.k8s.io/v1). Nothing of them is kept:
 * a POST is answered with the object and its status.
 */
import { type TSchema, Type } from 'typebox';
import type { Kind } from '../object.ts';

const text = (description: string) => Type.Optional(Type.String({ description }));
const texts = (description: string) => Type.Optional(Type.Array(Type.String(), { description }));
const flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const extra = Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()), { description: 'What the authenticator says beside.' }));

const attributesSelector = Type.Optional(Type.Object({ rawSelector: text('The selector as text.'), requirements: Type.Optional(Type.Array(Type.Unknown())) }));

const resourceAttributes = Type.Optional(
  Type.Object(
    {
      namespace: text('Empty: all namespaces, or a cluster-scoped resource.'),
      verb: text('get, list, watch, create, update, patch, delete, or *.'),
      group: text('Group of the resource.'),
      version: text('Version; does not matter.'),
      resource: text('Plural of the resource.'),
      subresource: text('Subresource.'),
      name: text('Name; empty: all.'),
      fieldSelector: attributesSelector,
      labelSelector: attributesSelector,
    },
    { description: 'Of a request for a resource.' },
  ),
);

const nonResourceAttributes = Type.Optional(
  Type.Object({ path: text('Path.'), verb: text('Method in lower case.') }, { description: 'Of a request for another path.' }),
);

const accessStatus = Type.Optional(
  Type.Object(
    { allowed: flag('Whether it is allowed.'), denied: flag('Whether it is denied for good.'), reason: text('Why.'), evaluationError: text('What went wrong.') },
    { description: 'The answer.' },
  ),
);

const userInfo = Type.Optional(
  Type.Object({ username: text('Name.'), uid: text('UID.'), groups: texts('Groups.'), extra }, { description: 'Who it is.' }),
);

const review = (group: string, kind: string, scope: Kind['scope'], description: string, spec: TSchema | undefined, status: TSchema): Kind => ({
  group,
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  scope,
  description,
  properties: { ...(spec === undefined ? {} : { spec }), status },
  required: spec === undefined ? [] : ['spec'],
  defaults: (object) => object,
  validate: () => [],
  columns: [],
  hasStatus: false,
  createOnly: true,
});

const authorization = 'authorization.k8s.io';
const authentication = 'authentication.k8s.io';

const selfSpec = Type.Object({ resourceAttributes, nonResourceAttributes }, { description: 'The request that is asked about: one of both.' });
const otherSpec = Type.Object(
  { resourceAttributes, nonResourceAttributes, user: text('Who would ask.'), groups: texts('Groups of the user.'), extra, uid: text('UID of the user.') },
  { description: 'The request that is asked about, and who would make it.' },
);

const rulesStatus = Type.Optional(
  Type.Object(
    {
      resourceRules: Type.Array(Type.Unknown(), { description: 'What is allowed on resources.' }),
      nonResourceRules: Type.Array(Type.Unknown(), { description: 'What is allowed on other paths.' }),
      incomplete: Type.Boolean({ description: 'Whether there may be more.' }),
      evaluationError: text('What went wrong.'),
    },
    { description: 'The answer.' },
  ),
);

export const selfSubjectAccessReviewKind = review(authorization, 'SelfSubjectAccessReview', 'Cluster', 'Whether I may do something.', selfSpec, accessStatus);
export const subjectAccessReviewKind = review(authorization, 'SubjectAccessReview', 'Cluster', 'Whether somebody may do something.', otherSpec, accessStatus);
export const localSubjectAccessReviewKind = review(
  authorization,
  'LocalSubjectAccessReview',
  'Namespaced',
  'Whether somebody may do something in this namespace.',
  otherSpec,
  accessStatus,
);
export const selfSubjectRulesReviewKind = review(
  authorization,
  'SelfSubjectRulesReview',
  'Cluster',
  'What I may do in a namespace.',
  Type.Object({ namespace: text('The namespace.') }, { description: 'Where.' }),
  rulesStatus,
);
export const selfSubjectReviewKind = review(
  authentication,
  'SelfSubjectReview',
  'Cluster',
  'Who I am.',
  undefined,
  Type.Optional(Type.Object({ userInfo }, { description: 'The answer.' })),
);
export const tokenReviewKind = review(
  authentication,
  'TokenReview',
  'Cluster',
  'Whose token this is.',
  Type.Object({ token: text('The token.'), audiences: texts('Who must be meant.') }, { description: 'The token.' }),
  Type.Optional(
    Type.Object({ authenticated: flag('Whether it is good.'), user: userInfo, audiences: texts('Who is meant.'), error: text('What is wrong.') }, { description: 'The answer.' }),
  ),
);

/** Body and answer of `serviceaccounts/NAME/token`; no resource of its own. */
export const tokenRequestKind: Kind = {
  ...review(
    authentication,
    'TokenRequest',
    'Namespaced',
    'A token of a ServiceAccount.',
    Type.Object(
      {
        audiences: texts('Who the token is for; default: this server.'),
        expirationSeconds: Type.Optional(Type.Integer({ description: 'How long it is good.' })),
        boundObjectRef: Type.Optional(
          Type.Object({ kind: text('Kind.'), apiVersion: text('API version.'), name: text('Name.'), uid: text('UID.') }, { description: 'Not supported here.' }),
        ),
      },
      { description: 'What is asked for.' },
    ),
    Type.Optional(Type.Object({ token: text('The token.'), expirationTimestamp: text('When it ends.') }, { description: 'The answer.' })),
  ),
};

export const reviewKinds: readonly Kind[] = [
  selfSubjectAccessReviewKind,
  subjectAccessReviewKind,
  localSubjectAccessReviewKind,
  selfSubjectRulesReviewKind,
  selfSubjectReviewKind,
  tokenReviewKind,
];
