/** `heddle explain`: the goal state of a device, and of whom each row of it comes. */
import { goalView, type ContributorView, type GoalView, type RowView } from '../api/goalview.ts';
import { refKey } from '../api/object.ts';
import { findType, pathOf } from '../client/discovery.ts';
import { createApiClient } from '../client/http.ts';
import { tableNames } from '../goal/rows.ts';
import { HeddleError } from '../kit/error.ts';
import { formatTable } from '../kit/table.ts';
import { yamlText } from '../kit/yaml.ts';
import type { ExitStatus, Io } from './io.ts';
import { withSession, type GlobalOptions, type Session } from './session.ts';

export interface ExplainOptions extends GlobalOptions {
  readonly output: 'table' | 'json' | 'yaml';
  /** URL of the views of `heddle controller`, which an API server that is not ours does not have. */
  readonly controller?: string;
}

/** `name` may be as kubectl prints it (`switch/leaf-1`). `row` is `<table>/<key>`; a table alone, or nothing, lists rows. */
export const explain = (io: Io, name: string, row: string | undefined, options: ExplainOptions): Promise<ExitStatus> =>
  withReader<ExitStatus>(io, options, async (read) => {
    const device = name.replace(/^(switch|switches|sw)\//, '');
    const isRow = row !== undefined && /^[^/]+\/./.test(row);
    if (row !== undefined && !isRow) checkTable(row.replace(/\/$/, ''));
    const goal = await read(device, isRow ? { row } : { prefix: row === undefined ? '' : `${row.replace(/\/$/, '')}/`, limit: '100000' });
    const [only] = goal.rows;
    if (options.output === 'json') io.out(`${JSON.stringify(isRow ? only : goal, null, 2)}\n`);
    else if (options.output === 'yaml') io.out(yamlText(isRow ? only : goal));
    else io.out(isRow && only !== undefined ? describeRow(device, only) : listRows(goal));
    if (goal.rows.length === 0 && options.output === 'table') io.note(`"${device}" has no ${row === undefined ? 'goal state yet' : `rows in table "${row}"`}\n`);
    if (goal.remaining > 0) io.note(`${goal.remaining} rows more are left out; name a table: heddle explain ${device} host\n`);
    return 0;
  });

type Reader = (device: string, query: Readonly<Record<string, string>>) => Promise<GoalView>;

const withReader = async <Result>(io: Io, options: ExplainOptions, work: (read: Reader) => Promise<Result>): Promise<Result> => {
  const { controller } = options;
  if (controller === undefined) return withSession(io, options, (session) => work((device, query) => readGoal(session, device, query)));
  if (!URL.canParse(controller)) throw new HeddleError('BadRequest', `--controller "${controller}" is not a URL`);
  const client = createApiClient({ server: controller.replace(/\/$/, ''), insecure: false, namespace: '', file: '--controller' }, { interrupt: io.signal });
  try {
    return await work(async (device, query) => {
      const path = `/switches/${encodeURIComponent(device)}/${goalView}?${new URLSearchParams(query).toString()}`;
      return (await client.call({ path })).body as GoalView;
    });
  } finally {
    client.close();
  }
};

/** An empty list would look like a device without such rows. */
const checkTable = (table: string): void => {
  if (tableNames.some((name) => name === table)) return;
  throw new HeddleError('BadRequest', `"${table}" is no table of goal state; there are ${tableNames.join(', ')}`);
};

/** Row ids of a device, for completion. */
export const rowNames = async (session: Session, device: string): Promise<string[]> => {
  const { rows } = await readGoal(session, device, { limit: '5000' });
  return rows.map(({ table, key }) => `${table}/${key}`);
};

const readGoal = async (session: Session, device: string, query: Record<string, string>): Promise<GoalView> => {
  const path = pathOf(findType(await session.types(), 'switch'), '', device);
  const { body } = await session.client.call({ path: `${path}/${goalView}?${new URLSearchParams(query).toString()}` });
  return body as GoalView;
};

const listRows = ({ rows }: GoalView): string => {
  if (rows.length === 0) return '';
  const lines = rows.map((row) => [`${row.table}/${row.key}`, row.scope, acknowledgement(row), objectsText(row.objects)]);
  return formatTable(['row', 'scope', 'acknowledged', 'objects'], lines);
};

const shownObjects = 3;

const objectsText = (objects: readonly ContributorView[]): string => {
  const names = objects.slice(0, shownObjects).map((object) => refKey(object)).join(', ');
  return objects.length > shownObjects ? `${names} and ${objects.length - shownObjects} more` : names;
};

const acknowledgement = ({ acknowledged, failure, held, withheld }: RowView): string => {
  const said = failure !== undefined ? 'failed' : acknowledged ? 'yes' : 'no';
  if (held === true && withheld === undefined) return `${said}, deletion held`;
  return withheld === undefined ? said : `${said}, ${held === true ? 'its deletion' : 'what is wanted instead'} is withheld: ${withheld}`;
};

const describeRow = (device: string, row: RowView): string => {
  const { table, key, scope, version, acknowledgedVersion, failure, objects, value } = row;
  const heard = acknowledgedVersion === undefined ? 'it has not spoken yet' : `it has version ${acknowledgedVersion} of the scope`;
  const lines = [
    `Row:            ${table}/${key}`,
    `Device:         ${device}`,
    `Scope:          ${scope}, version ${version}`,
    `Acknowledged:   ${acknowledgement(row)} (${heard})`,
    ...(failure === undefined ? [] : [`Failure:        ${failure.code}: ${failure.message}`]),
    'Objects:',
    ...objects.map((object) => `  ${refKey(object)}${object.generation === undefined ? ' (deleted)' : ` (generation ${object.generation})`}`),
    'Value:',
    ...yamlText(value).trimEnd().split('\n').map((line) => `  ${line}`),
  ];
  return `${lines.join('\n')}\n`;
};
