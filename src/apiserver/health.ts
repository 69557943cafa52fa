/**
 * `/livez`, `/readyz` and `/healthz` as probes and people know them: `?verbose` lists the checks, `?exclude=NAME` leaves one out,
 * `/readyz/NAME` asks for one alone.
 */
import { HeddleError } from '../kit/error.ts';
import type { Store } from '../store/store.ts';
import { textAnswer, type Answer, type Exchange } from './exchange.ts';

export interface HealthCheck {
  readonly name: string;
  /** Throws when it is not well; the reason goes to the log, not to who asks. */
  run(): void | Promise<void>;
}

export interface HealthOptions {
  readonly checks: readonly HealthCheck[];
  readonly onFailure: (check: string, error: HeddleError) => void;
}

const ping: HealthCheck = { name: 'ping', run: () => undefined };
const endpoints = new Set(['healthz', 'livez', 'readyz']);
/** A probe waits no longer than its own interval. */
const patienceMilliseconds = 5000;

/** Answers a path below one of the three; undefined for any other. A process that answers is alive: `/livez` checks no more. */
export const createHealth = ({ checks, onFailure }: HealthOptions) => {
  const all = [ping, ...checks];
  return async ({ path, query }: Exchange): Promise<Answer | undefined> => {
    const [, endpoint = '', name, ...rest] = path.split('/');
    if (!endpoints.has(endpoint) || rest.length > 0) return undefined;
    const here = endpoint === 'livez' ? [ping] : all;
    const excluded = query.getAll('exclude');
    const chosen = here.filter((check) => (name === undefined ? !excluded.includes(check.name) : check.name === name));
    if (name !== undefined && chosen.length === 0) return undefined;
    const failed = (await Promise.all(chosen.map(async (check) => ((await isWell(check, onFailure)) ? '' : check.name)))).filter((found) => found !== '');
    if (failed.length === 0 && !query.has('verbose')) return textAnswer('ok');
    const unknown = excluded.filter((wanted) => !here.some((check) => check.name === wanted));
    const lines = [
      ...(name === undefined ? here : chosen).map((check) => (chosen.includes(check) ? lineOf(check.name, failed) : `[+]${check.name} excluded: ok`)),
      ...(unknown.length > 0 ? [`warn: some health checks cannot be excluded: no matches for ${unknown.map((wanted) => JSON.stringify(wanted.slice(0, 60))).join(', ')}`] : []),
      `${endpoint} check ${failed.length === 0 ? 'passed' : 'failed'}`,
    ];
    return textAnswer(`${lines.join('\n')}\n`, failed.length === 0 ? 200 : 500);
  };
};

const lineOf = (name: string, failed: readonly string[]): string => (failed.includes(name) ? `[-]${name} failed: reason withheld` : `[+]${name} ok`);

const isWell = async (check: HealthCheck, onFailure: HealthOptions['onFailure']): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new HeddleError('Timeout', 'no answer in time')), patienceMilliseconds);
  });
  try {
    await Promise.race([Promise.resolve(check.run()), late]);
    return true;
  } catch (thrown) {
    onFailure(check.name, HeddleError.from(thrown));
    return false;
  } finally {
    clearTimeout(timer);
  }
};

const probeKey = 'heddle-health/probe';

/**
 * The store as it is, and whether it can be read and written. Nothing is written for that while others' writes succeed; after one
 * that failed for want of room or of a working disk, the check tries one of its own.
 */
export const watchedStore = (store: Store): { readonly store: Store; readonly check: HealthCheck } => {
  let isSuspect = false;
  const commit: Store['commit'] = async (writes) => {
    try {
      const changes = await store.commit(writes);
      isSuspect = false;
      return changes;
    } catch (thrown) {
      if (['InsufficientStorage', 'Unavailable', 'Internal', 'Timeout'].includes(HeddleError.from(thrown).code)) isSuspect = true;
      throw thrown;
    }
  };
  const watched: Store = {
    get revision() {
      return store.revision;
    },
    get: (key) => store.get(key),
    list: (prefix, options) => store.list(prefix, options),
    commit,
    watch: (options) => store.watch(options),
    compact: (revision) => store.compact(revision),
    close: () => store.close(),
  };
  const check: HealthCheck = {
    name: 'store',
    async run() {
      await store.get(probeKey);
      if (isSuspect) await commit([{ type: 'put', key: probeKey, value: '{}' }]);
    },
  };
  return { store: watched, check };
};
