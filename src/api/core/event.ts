/** Event (core/v1): something that happened to an object, for people who run `kubectl describe`. Events expire. */
import { Type } from 'typebox';
import type { Kind } from '../object.ts';

const time = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Null()], { description }));
const text = (description: string) => Type.Optional(Type.String({ description }));

const reference = (description: string) =>
  Type.Object(
    {
      kind: Type.Optional(Type.String()),
      namespace: Type.Optional(Type.String()),
      name: Type.Optional(Type.String()),
      uid: Type.Optional(Type.String()),
      apiVersion: Type.Optional(Type.String()),
      resourceVersion: Type.Optional(Type.String()),
      fieldPath: Type.Optional(Type.String()),
    },
    { description },
  );

export const eventKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  categories: [],
  scope: 'Namespaced',
  description: 'Something that happened to an object. Events are kept for an hour.',
  properties: {
    involvedObject: reference('The object that the event is about.'),
    reason: text('CamelCase, stable: why this was done.'),
    message: text('What happened, for people.'),
    source: Type.Optional(Type.Object({ component: text('Who saw it.'), host: text('Where.') }, { description: 'Who reports.' })),
    firstTimestamp: time('When it was first seen.'),
    lastTimestamp: time('When it was last seen.'),
    count: Type.Optional(Type.Integer({ description: 'How often it was seen.' })),
    type: text('Normal or Warning.'),
    eventTime: time('When it was first seen, with microseconds.'),
    series: Type.Optional(Type.Object({ count: Type.Optional(Type.Integer()), lastObservedTime: time('Last seen.') })),
    action: text('What was done.'),
    related: Type.Optional(reference('A second object that the event is about.')),
    reportingComponent: text('Controller that reports.'),
    reportingInstance: text('Instance of that controller.'),
  },
  required: ['involvedObject'],
  defaults: (object) => object,
  validate: () => [],
  selectableFields: [
    '.involvedObject.kind',
    '.involvedObject.namespace',
    '.involvedObject.name',
    '.involvedObject.uid',
    '.involvedObject.apiVersion',
    '.involvedObject.resourceVersion',
    '.involvedObject.fieldPath',
    '.reason',
    '.source.component',
    '.type',
    '.reportingComponent',
  ],
  columns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp', description: 'Time since it was last seen', priority: 0 },
    { name: 'Type', type: 'string', jsonPath: '.type', description: 'Normal or Warning', priority: 0 },
    { name: 'Reason', type: 'string', jsonPath: '.reason', description: 'Why', priority: 0 },
    { name: 'Kind', type: 'string', jsonPath: '.involvedObject.kind', description: 'Kind of the object', priority: 0 },
    { name: 'Object', type: 'string', jsonPath: '.involvedObject.name', description: 'Name of the object', priority: 0 },
    { name: 'Source', type: 'string', jsonPath: '.source.component', description: 'Who reports', priority: 1 },
    { name: 'Count', type: 'integer', jsonPath: '.count', description: 'How often', priority: 1 },
    { name: 'Message', type: 'string', jsonPath: '.message', description: 'What happened', priority: 0 },
  ],
  hasStatus: false,
};
