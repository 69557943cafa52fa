/** `heddle describe`: one object for reading: what it is, what is wanted, what is so, and what happened to it. */
import { stringify } from 'yaml';
import { objectOr } from '../kit/json.ts';
import { byText } from '../kit/order.ts';
import { HeddleError } from '../kit/error.ts';
import { formatTable } from '../kit/table.ts';
import type { Condition, Resource } from '../api/object.ts';
import { findType, pathOf, type ResourceType } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { asObject, itemsOf } from '../client/live.ts';
import { lastAppliedAnnotation } from '../client/lastapplied.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export const describe = (io: Io, kind: string, names: readonly string[], options: GlobalOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const [word = '', ...slashed] = kind.split('/');
    const type = findType(await session.types(), word);
    const wanted = [...slashed, ...names];
    const found = wanted.length === 0 ? await allNames(session, type) : wanted;
    if (found.length === 0) throw new HeddleError('NotFound', `there is no ${type.singular}`);
    for (const [index, name] of found.entries()) {
      const object = asObject((await session.client.call({ path: pathOf(type, session.namespace, name) })).body);
      io.out(`${index > 0 ? '\n\n' : ''}${describeObject(object)}${formatEvents(await eventsOf(session, object))}`);
    }
    return 0;
  });

const allNames = async (session: Session, type: ResourceType): Promise<string[]> => {
  const { body } = await session.client.call({ path: pathOf(type, session.namespace) });
  return itemsOf(body, type, '').map((object) => object.metadata.name);
};

/** Text of everything but the events. */
export const describeObject = (object: Resource): string => {
  const { metadata, status } = object;
  const { conditions, ...rest } = objectOr(status);
  const { [lastAppliedAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  const facts: [string, string][] = [
    ['Name', metadata.name],
    ...(metadata.namespace === undefined ? [] : [['Namespace', metadata.namespace] satisfies [string, string]]),
    ['Kind', `${object.kind} (${object.apiVersion})`],
    ['Labels', pairs(metadata.labels)],
    ['Annotations', pairs(annotations)],
    ['Created', metadata.creationTimestamp ?? ''],
    ['Generation', String(metadata.generation ?? '')],
    ...(metadata.deletionTimestamp === undefined ? [] : [['Deleting since', metadata.deletionTimestamp] satisfies [string, string]]),
  ];
  return [
    ...facts.map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`.trimEnd()),
    ...section('Spec', object.spec),
    ...section('Status', rest),
    ...conditionLines(conditions),
    '',
  ].join('\n');
};

const pairs = (map: Record<string, string> = {}): string =>
  Object.entries(map).map(([key, value]) => `${key}=${value}`).join(', ') || '(none)';

const section = (title: string, value: unknown): string[] =>
  value === undefined || Object.keys(objectOr(value)).length === 0 ? [] : [`${title}:`, ...indented(stringify(value, { lineWidth: 0 }))];

const indented = (text: string): string[] => text.trimEnd().split('\n').map((line) => `  ${line}`);

const conditionLines = (conditions: unknown): string[] => {
  const list: Condition[] = Array.isArray(conditions) ? conditions : [];
  if (list.length === 0) return [];
  const rows = list.map(({ type, status, reason, message }) => [type, status, reason, message]);
  return ['Conditions:', ...indented(formatTable(['type', 'status', 'reason', 'message'], rows))];
};

interface EventLine {
  readonly type: string;
  readonly reason: string;
  readonly count: string;
  readonly last: string;
  readonly message: string;
}

/** What happened to the object, oldest first; none when the server keeps no events. */
const eventsOf = async (session: Session, { kind, metadata }: Resource): Promise<EventLine[]> => {
  const selector = `involvedObject.kind=${kind},involvedObject.name=${metadata.name}`;
  const path = `/api/v1/namespaces/${metadata.namespace ?? 'default'}/events?fieldSelector=${encodeURIComponent(selector)}`;
  try {
    const items: unknown = objectOr((await session.client.call({ path })).body)['items'];
    const events: unknown[] = Array.isArray(items) ? items : [];
    return events.map(objectOr).map((event) => ({
      type: String(event['type'] ?? ''),
      reason: String(event['reason'] ?? ''),
      count: String(event['count'] ?? 1),
      last: String(event['lastTimestamp'] ?? event['eventTime'] ?? ''),
      message: String(event['message'] ?? ''),
    }));
  } catch (error) {
    if (error instanceof HeddleError && ['NotFound', 'BadRequest', 'Forbidden'].includes(error.code)) return [];
    throw error;
  }
};

const formatEvents = (events: readonly EventLine[]): string => {
  if (events.length === 0) return 'Events:         (none)\n';
  const rows = events.toSorted((a, b) => byText(a.last, b.last)).map((event) => [event.type, event.reason, event.count, event.last, event.message]);
  return ['Events:', ...indented(formatTable(['type', 'reason', 'count', 'last', 'message'], rows)), ''].join('\n');
};
