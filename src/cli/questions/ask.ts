/** Asking the leader for a view: over the resource API, or where `heddle controller` answers views. */
import { kinds } from '../../api/kinds.ts';
import { findType, pathOf } from '../../client/discovery.ts';
import { createApiClient } from '../../client/http.ts';
import { HeddleError } from '../../kit/error.ts';
import type { Io } from '../io.ts';
import { withSession, type GlobalOptions, type Session } from '../session.ts';

export interface AskOptions extends GlobalOptions {
  /** URL of the views of `heddle controller`, which an API server that is not ours does not have. */
  readonly controller?: string;
}

/** An object that is asked for a view. */
export interface Target {
  /** Singular. */
  readonly kind: string;
  readonly name: string;
  /** Left out: of the session, for kinds that have one. */
  readonly namespace?: string;
  readonly query?: Readonly<Record<string, string>>;
}

type Query = Readonly<Record<string, string>>;

/** Asks the first of the targets that there is, and that may be read. */
export const ask = async (io: Io, options: AskOptions, targets: readonly Target[], view: string, query: Query): Promise<unknown> =>
  withAsker(io, options, (asker) => asker(targets, view, query));

export type Asker = (targets: readonly Target[], view: string, query: Query) => Promise<unknown>;

/** Several questions over one connection. */
export const withAsker = async <Result>(io: Io, options: AskOptions, work: (asker: Asker) => Promise<Result>): Promise<Result> =>
  options.controller === undefined
    ? withSession(io, options, (session) => work((targets, view, query) => askServer(session, targets, view, query)))
    : withController(io, options.controller, options.namespace ?? 'default', work);

const askServer = async (session: Session, targets: readonly Target[], view: string, query: Query): Promise<unknown> => {
  const types = await session.types();
  const [last] = targets.slice(-1);
  for (const target of targets) {
    const path = pathOf(findType(types, target.kind), target.namespace ?? session.namespace, target.name);
    if (target !== last && !(await isThere(session, path))) continue;
    const search = new URLSearchParams({ ...query, ...target.query, namespace: session.namespace });
    return (await session.client.call({ path: `${path}/${view}?${search.toString()}` })).body;
  }
  throw new HeddleError('NotFound', 'there is nothing to ask');
};

const passedOver: ReadonlySet<string> = new Set(['NotFound', 'Forbidden']);

const isThere = async (session: Session, path: string): Promise<boolean> => {
  try {
    await session.client.call({ path });
    return true;
  } catch (thrown) {
    if (passedOver.has(HeddleError.from(thrown).code)) return false;
    throw thrown;
  }
};

const withController = async <Result>(io: Io, url: string, namespace: string, work: (asker: Asker) => Promise<Result>): Promise<Result> => {
  if (!URL.canParse(url)) throw new HeddleError('BadRequest', `--controller "${url}" is not a URL`);
  const client = createApiClient({ server: url.replace(/\/$/, ''), insecure: false, namespace: '', file: '--controller' }, { interrupt: io.signal });
  const asker: Asker = async (targets, view, query) => {
    let fault: unknown = new HeddleError('NotFound', 'there is nothing to ask');
    for (const target of targets) {
      const kind = kinds.find(({ singular }) => singular === target.kind);
      const within = kind?.scope === 'Namespaced' ? `/namespaces/${encodeURIComponent(target.namespace ?? namespace)}` : '';
      const search = new URLSearchParams({ ...query, ...target.query, namespace });
      try {
        return (await client.call({ path: `${within}/${kind?.plural ?? ''}/${encodeURIComponent(target.name)}/${view}?${search.toString()}` })).body;
      } catch (thrown) {
        if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
        fault = thrown;
      }
    }
    throw fault;
  };
  try {
    return await work(asker);
  } finally {
    client.close();
  }
};
