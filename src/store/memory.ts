/**
 * A store that lives as long as its process: for tests, and the reference that the contract tests hold the others against.
 */
import { HeddleError } from '../kit/error.ts';
import { planCommit } from './commit.ts';
import { compareKeys } from './key.ts';
import { expired, type Change, type Entry, type Listing, type ListOptions, type Revision, type Store } from './store.ts';
import { Feed, pageOf } from './subscription.ts';

export const createMemoryStore = (): Store => {
  const current = new Map<string, Entry>();
  let log: Change[] = [];
  let revision: Revision = 0;
  let oldest: Revision = 0;

  const checkKept = (wanted: Revision): void => {
    if (wanted < oldest) throw expired(wanted, oldest);
  };

  const feed = new Feed(0, (prefix, after, limit) => {
    checkKept(after);
    return pageOf(log.filter((change) => change.entry.revision > after && change.entry.key.startsWith(prefix)).slice(0, limit), after);
  });

  /** The state at a past revision: the present, with the changes since then taken back. */
  const stateAt = (wanted: Revision): Map<string, Entry> => {
    if (wanted > revision) throw new HeddleError('BadRequest', `revision ${wanted} does not exist yet`);
    checkKept(wanted);
    const state = new Map(current);
    for (const change of log.toReversed()) {
      if (change.entry.revision <= wanted) break;
      if (change.previous === undefined) state.delete(change.entry.key);
      else state.set(change.entry.key, change.previous);
    }
    return state;
  };

  return {
    get revision() {
      return revision;
    },

    async get(key) {
      return current.get(key);
    },

    async list(prefix, options: ListOptions = {}): Promise<Listing> {
      const state = options.revision === undefined ? current : stateAt(options.revision);
      const from = options.from ?? '';
      const entries = [...state.values()]
        .filter((entry) => entry.key.startsWith(prefix) && entry.key >= from)
        .toSorted((a, b) => compareKeys(a.key, b.key));
      const page = entries.slice(0, options.limit ?? entries.length);
      const next = entries[page.length]?.key;
      const exact = { entries: page, revision: options.revision ?? revision };
      return next === undefined ? exact : { ...exact, next, remaining: entries.length - page.length };
    },

    async commit(writes) {
      const changes = planCommit(writes, revision, (key) => current.get(key));
      for (const change of changes) {
        if (change.type === 'put') current.set(change.entry.key, kept(change.entry));
        else current.delete(change.entry.key);
      }
      log.push(...changes.map((change) => ({ ...change, entry: kept(change.entry) })));
      revision += changes.length;
      feed.publish(changes);
      return changes;
    },

    watch: (options) => feed.watch(options),

    async compact(wanted) {
      if (wanted > revision) throw new HeddleError('BadRequest', `revision ${wanted} does not exist yet`);
      oldest = Math.max(oldest, wanted);
      log = log.filter((change) => change.entry.revision > oldest);
    },

    async close() {
      feed.close();
    },
  };
};

const kept = ({ key, value, revision, createRevision }: Entry): Entry => ({ key, value, revision, createRevision });
