/**
 * Clients that write while servers and stores are killed, and others that watch. Every value that was ever asked to be written is
 * kept with what its writer was told, and every change that a watcher saw: one that was acknowledged must have happened at the
 * version that was told, once; one that was refused must not have; nobody misses or repeats anything, however often he was cut off.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ResourceClient } from '../api/client.ts';
import type { Resource } from '../api/object.ts';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
import { objectOr } from '../kit/json.ts';

/** The version at which it was written, when that was told. */
type Fate = number | 'refused' | 'unknown';

interface Seen {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly name: string;
  readonly value: string;
  readonly version: number;
}

interface Watcher {
  readonly name: string;
  readonly seen: Seen[];
  /** How often it went on after it was cut off. */
  resumed: number;
}

const names = Array.from({ length: 20 }, (_, index) => `ledger-${index}`);
const refused: ReadonlySet<ErrorCode> = new Set(['Conflict', 'NotFound', 'AlreadyExists']);
const unknown: ReadonlySet<ErrorCode> = new Set(['Unavailable', 'Timeout']);
const pauseMilliseconds = 50;
const deletedShare = 0.1;

const refOf = (name: string) => ({ kind: 'ConfigMap', namespace: 'default', name });

const valueOf = (object: Resource): string => String(objectOr((object as Resource & { readonly data?: unknown }).data)['value'] ?? '');

const versionOf = ({ metadata }: Resource): number => Number(metadata.resourceVersion);

export class Ledger {
  readonly #fates = new Map<string, Fate>();
  readonly #watchers: Watcher[] = [];

  get acknowledged(): number {
    return [...this.#fates.values()].filter((fate) => typeof fate === 'number').length;
  }

  /** Of the watcher that was cut off least. */
  get resumed(): number {
    return Math.min(...this.#watchers.map(({ resumed }) => resumed));
  }

  /** Changes that the watcher saw who saw least. */
  get seen(): number {
    return Math.min(...this.#watchers.map(({ seen }) => seen.length));
  }

  /** Writes on and on, each time a value that nobody else writes. @param client answers whom to ask now */
  async write(writer: string, client: () => ResourceClient, signal: AbortSignal): Promise<void> {
    for (let n = 0; !signal.aborted; n += 1) await sleep((await this.#writeOne(client(), `${writer}.${n}`)) ? 0 : pauseMilliseconds);
  }

  /** Whether the server could be asked. */
  async #writeOne(client: ResourceClient, value: string): Promise<boolean> {
    const name = names[Math.floor(Math.random() * names.length)] ?? '';
    try {
      const before = await client.get(refOf(name)).catch((thrown: unknown): undefined => {
        if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
      });
      if (before !== undefined && Math.random() < deletedShare) {
        await client.delete(refOf(name));
        return true;
      }
      return await this.#put(client, name, before, value);
    } catch (thrown) {
      const { code } = HeddleError.from(thrown);
      if (!refused.has(code) && !unknown.has(code)) throw thrown;
      return refused.has(code);
    }
  }

  async #put(client: ResourceClient, name: string, before: Resource | undefined, value: string): Promise<boolean> {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value } };
    try {
      const { metadata } = before ?? {};
      const written = await (metadata === undefined ? client.create(object) : client.update({ ...object, metadata }));
      this.#fates.set(value, versionOf(written));
      return true;
    } catch (thrown) {
      const { code } = HeddleError.from(thrown);
      this.#fates.set(value, refused.has(code) ? 'refused' : 'unknown');
      throw thrown;
    }
  }

  /** Watches from a version on, and goes on where it was whenever it is cut off, at whoever is to be asked then. */
  async follow(watcher: string, client: () => ResourceClient, from: string, signal: AbortSignal): Promise<void> {
    const mine: Watcher = { name: watcher, seen: [], resumed: 0 };
    this.#watchers.push(mine);
    for (let at = from; !signal.aborted; mine.resumed += 1) {
      try {
        for await (const event of client().watch('ConfigMap', at, signal)) {
          at = event.type === 'BOOKMARK' ? event.resourceVersion : String(versionOf(event.object));
          if (event.type !== 'BOOKMARK') mine.seen.push({ type: event.type, name: event.object.metadata.name, value: valueOf(event.object), version: Number(at) });
        }
      } catch (thrown) {
        if (!unknown.has(HeddleError.from(thrown).code)) throw thrown;
      }
      await sleep(pauseMilliseconds);
    }
  }

  /** Once nobody writes any more: whether all watchers have seen what is there now. */
  isSeenBy(listed: readonly Resource[]): boolean {
    const now = stateOf(listed);
    return this.#watchers.every(({ seen }) => JSON.stringify(replay(seen).state) === JSON.stringify(now));
  }

  /** What is wrong, a line each. @param listed what the store holds after everything */
  judge(listed: readonly Resource[]): readonly string[] {
    return this.#watchers.flatMap(({ name, seen }) => [...this.#judgeWatch(name, seen), ...this.#judgeFates(name, seen)]).concat(
      this.isSeenBy(listed) ? [] : ['what watchers saw does not add up to what is stored'],
    );
  }

  #judgeWatch(watcher: string, seen: readonly Seen[]): readonly string[] {
    const [first] = this.#watchers;
    const differs = first !== undefined && JSON.stringify(seen) !== JSON.stringify(first.seen);
    return [...replay(seen).wrong.map((what) => `${watcher}: ${what}`), ...(differs ? [`${watcher} saw other changes than ${first.name}`] : [])];
  }

  #judgeFates(watcher: string, seen: readonly Seen[]): readonly string[] {
    const written = new Map<string, number[]>();
    for (const { type, value, version } of seen) if (type !== 'DELETED') written.set(value, [...(written.get(value) ?? []), version]);
    const wrong: string[] = [];
    for (const [value, fate] of this.#fates) {
      const versions = written.get(value) ?? [];
      if (typeof fate === 'number' && String(versions) !== String([fate])) wrong.push(`${watcher}: ${value} was acknowledged at ${fate} and seen at [${String(versions)}]`);
      if (fate === 'refused' && versions.length > 0) wrong.push(`${watcher}: ${value} was refused and seen at [${String(versions)}]`);
      if (versions.length > 1) wrong.push(`${watcher}: ${value} was written ${versions.length} times`);
    }
    return wrong;
  }
}

/** The state that the changes lead to, and which of them cannot have been. */
const replay = (seen: readonly Seen[]): { readonly state: readonly (readonly [string, string])[]; readonly wrong: readonly string[] } => {
  const state = new Map<string, string>();
  const wrong: string[] = [];
  let last = 0;
  for (const { type, name, value, version } of seen) {
    if (version <= last) wrong.push(`version ${version} came after ${last}`);
    last = version;
    if ((type === 'ADDED') === state.has(name)) wrong.push(`${name} was ${type} at ${version}, and was ${state.has(name) ? 'there' : 'not there'}`);
    if (type === 'DELETED') state.delete(name);
    else state.set(name, value);
  }
  return { state: [...state].toSorted(), wrong };
};

const stateOf = (listed: readonly Resource[]): readonly (readonly [string, string])[] =>
  listed.filter(({ metadata }) => names.includes(metadata.name)).map((object) => [object.metadata.name, valueOf(object)] as const).toSorted();
