/** `heddle get`: lists objects in the server's own columns, or whole as JSON, YAML or names, and follows them with -w. */
import { stringify } from 'yaml';
import { isJsonObject, objectOr, type JsonObject } from '../kit/json.ts';
import { HeddleError } from '../kit/error.ts';
import { columnWidths, tableLine } from '../kit/table.ts';
import { tableType } from '../client/http.ts';
import { apiVersionOf, findTypes, objectName, pathOf, type ResourceType } from '../client/discovery.ts';
import type { ExitStatus, Io } from './io.ts';
import { asObject, changes, itemsOf, type Place } from '../client/live.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export type Output = 'table' | 'wide' | 'json' | 'yaml' | 'name';

export interface GetOptions extends GlobalOptions {
  readonly allNamespaces?: boolean;
  readonly output?: Output;
  readonly watch?: boolean;
  readonly selector?: string;
}

/** `kind` may be `vpc`, `vpc,vpcpeering`, `all` or `vpc/shop`; with names only those objects. */
export const get = (io: Io, kind: string, names: readonly string[], options: GetOptions): Promise<ExitStatus> =>
  withSession<ExitStatus>(io, options, async (session) => {
    const [word = '', ...slashed] = kind.split('/');
    const types = findTypes(await session.types(), word);
    const wanted = [...slashed, ...names];
    const namespace = options.allNamespaces === true ? '' : session.namespace;
    const places = types.flatMap((type) => (wanted.length === 0 ? [''] : wanted).map((name): Place => ({ type, namespace, name })));
    const [first] = places;
    if (options.watch === true && places.length > 1) {
      throw new HeddleError('BadRequest', '-w follows one kind or one object: name just one');
    }
    const print = printerOf(options.output ?? 'table');
    const revision = await print(session, places, options);
    if (options.watch === true && first !== undefined) await follow(session, first, options, revision);
    return 0;
  });

type Printer = (session: Session, places: readonly Place[], options: GetOptions) => Promise<string>;

const printerOf = (output: Output): Printer => (output === 'table' || output === 'wide' ? printTables : printObjects);

const selectorOf = (options: GetOptions): string =>
  options.selector === undefined ? '' : `labelSelector=${encodeURIComponent(options.selector)}`;

const listPath = ({ type, namespace, name }: Place, options: GetOptions): string => {
  const selector = name === '' ? selectorOf(options) : '';
  return `${pathOf(type, namespace, name)}${selector === '' ? '' : `?${selector}`}`;
};

interface Table {
  readonly columns: readonly { readonly name: string; readonly priority: number }[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly metadata: JsonObject }[];
  readonly resourceVersion: string;
}

const readTable = (value: unknown): Table => {
  const table = objectOr(value);
  const list = (member: string): JsonObject[] => {
    const found: unknown = table[member];
    return Array.isArray(found) ? found.filter(isJsonObject) : [];
  };
  return {
    columns: list('columnDefinitions').map((column) => ({ name: String(column['name']), priority: Number(column['priority'] ?? 0) })),
    rows: list('rows').map((row) => ({
      cells: Array.isArray(row['cells']) ? row['cells'].map(cellText) : [],
      metadata: objectOr(objectOr(row['object'])['metadata']),
    })),
    resourceVersion: String(objectOr(table['metadata'])['resourceVersion'] ?? ''),
  };
};

const cellText = (cell: unknown): string => (cell === null || cell === undefined ? '' : String(cell));

/** Lines of a table: heading first, hidden columns cut, the namespace in front when all are shown. */
const tableLines = (table: Table, place: Place, options: GetOptions, prefix: string): string[][] => {
  const shown = table.columns.flatMap(({ priority }, index) => (priority === 0 || options.output === 'wide' ? [index] : []));
  const spaced = options.allNamespaces === true && place.type.namespaced;
  const line = (cells: readonly string[], namespace: string, first = ''): string[] => [
    ...(spaced ? [namespace] : []),
    ...shown.map((index) => (index === 0 ? first : '') + (cells[index] ?? '')),
  ];
  return [
    line(table.columns.map(({ name }) => name.toUpperCase()), 'NAMESPACE'),
    ...table.rows.map(({ cells, metadata }) => line(cells, String(metadata['namespace'] ?? ''), prefix)),
  ];
};

const printTables: Printer = async (session, places, options) => {
  const several = new Set(places.map(({ type }) => type)).size > 1;
  let printed = 0;
  let revision = '';
  for (const group of Map.groupBy(places, ({ type }) => type).values()) {
    const tables = await Promise.all(
      group.map(async (place) => {
        const { body } = await session.client.call({ path: listPath(place, options), accept: tableType });
        return { place, table: readTable(body) };
      }),
    );
    revision = tables[0]?.table.resourceVersion ?? '';
    const lines = tables.flatMap(({ place, table }, index) => {
      const all = tableLines(table, place, options, several ? objectName(place.type, '') : '');
      return index === 0 ? all : all.slice(1);
    });
    if (lines.length < 2) continue;
    if (printed > 0) session.io.out('\n');
    printed += 1;
    const widths = columnWidths(lines);
    for (const line of lines) session.io.out(`${tableLine(line, widths)}\n`);
  }
  if (printed === 0) session.io.note(`nothing found${options.allNamespaces === true || places.every(({ type }) => !type.namespaced) ? '' : ` in namespace "${session.namespace}"`}\n`);
  return revision;
};

const printObjects: Printer = async (session, places, options) => {
  const answers = await Promise.all(
    places.map(async (place) => ({ place, body: (await session.client.call({ path: listPath(place, options) })).body })),
  );
  const objects = answers.flatMap(({ place, body }) =>
    (place.name === '' ? itemsOf(body, place.type, apiVersionOf(place.type)) : [asObject(body)]).map(forReading),
  );
  const [only] = objects;
  const single = places.length === 1 && places[0]?.name !== '' ? only : undefined;
  const whole = single ?? { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
  if (options.output === 'name') for (const { place, body } of answers) session.io.out(nameLines(place.type, body));
  else session.io.out(formatObject(whole, options.output ?? 'json'));
  return String(objectOr(objectOr(answers[0]?.body)['metadata'])['resourceVersion'] ?? '');
};

const nameLines = (type: ResourceType, body: unknown): string => {
  const items: unknown = objectOr(body)['items'];
  const objects: unknown[] = Array.isArray(items) ? items : [body];
  return objects.map((object) => `${objectName(type, String(objectOr(objectOr(object)['metadata'])['name']))}\n`).join('');
};

/** Without the record of who wrote which field, which is longer than the object. */
const forReading = (object: unknown): unknown => {
  const { managedFields: _, ...metadata } = objectOr(objectOr(object)['metadata']);
  return { ...objectOr(object), metadata };
};

export const formatObject = (object: unknown, output: Output): string =>
  output === 'yaml' ? stringify(object, { lineWidth: 0 }) : `${JSON.stringify(object, null, 2)}\n`;

/** Prints a line or an object a change until Ctrl-C; the columns keep the widths they began with. */
const follow = async (session: Session, place: Place, options: GetOptions, revision: string): Promise<void> => {
  const { io, client } = session;
  const output = options.output ?? 'table';
  const asTable = output === 'table' || output === 'wide';
  const selector = selectorOf(options);
  let columns: Table['columns'] = [];
  let widths: number[] = [];
  const stream = changes(client, place, revision, io.signal, {
    ...(asTable ? { accept: tableType } : {}),
    query: selector === '' ? '' : `&${selector}`,
  });
  for await (const { object } of stream) {
    if (!asTable) {
      io.out(output === 'name' ? nameLines(place.type, object) : output === 'yaml' ? `---\n${formatObject(forReading(object), output)}` : formatObject(forReading(object), output));
      continue;
    }
    const table = readTable(object);
    if (table.columns.length > 0) columns = table.columns;
    for (const line of tableLines({ ...table, columns }, place, options, '').slice(1)) {
      widths = columnWidths([widths.map((width) => ' '.repeat(width)), line]);
      io.out(`${tableLine(line, widths)}\n`);
    }
  }
};
