/** What can go wrong between a server and etcd, one thing at a time. */
import assert from 'node:assert/strict';
import { createServer, connect, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { issueCertificate, makeAuthority } from '../../apiserver/pki/certificate.ts';
import { HeddleError, type ErrorCode } from '../../kit/error.ts';
import { until } from '../../kit/testing.ts';
import type { Change, Store, Write } from '../store.ts';
import { type EtcdOptions, fillEtcdStore, openEtcdStore } from './store.ts';
import { hasEtcd, startCluster, type TestCluster } from './testing.ts';

const failsWith = (code: ErrorCode, words = /./) => (thrown: unknown) => {
  assert.ok(thrown instanceof HeddleError, String(thrown));
  assert.equal(thrown.code, code, thrown.message);
  assert.match(thrown.message, words);
  return true;
};

const put = (key: string, value: string, expected?: number): Write => ({ type: 'put', key, value, ...(expected === undefined ? {} : { expected }) });

interface Line {
  readonly endpoint: string;
  /** Bytes of that direction are swallowed from now on, as if lost on the way. */
  swallow(direction: 'questions' | 'answers'): void;
  /** Cuts all connections; later ones are whole. */
  cut(): void;
  close(): void;
}

/** A line to etcd that can lose what is on it. */
const lineTo = async (endpoint: string): Promise<Line> => {
  const { port } = new URL(endpoint);
  const sockets = new Set<Socket>();
  const swallowed = new Set<string>();
  const server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (bytes) => void (swallowed.has('questions') || far.write(bytes)));
    far.on('data', (bytes) => void (swallowed.has('answers') || near.write(bytes)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const cut = (): void => {
    swallowed.clear();
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    swallow: (direction) => void swallowed.add(direction),
    cut,
    close: () => {
      server.close();
      cut();
    },
  };
};

describe('etcd', { skip: !hasEtcd(), concurrency: true }, () => {
  describe('the line to etcd', { concurrency: 1 }, () => {
    let cluster: TestCluster | undefined;
    let prefixes = 0;
    after(() => cluster?.stop());

    const onLine = async (body: (store: Store, line: Line, direct: Store) => Promise<void>): Promise<void> => {
      cluster ??= await startCluster();
      const prefix = `/heddle/line-${(prefixes += 1)}/`;
      const line = await lineTo(cluster.endpoints[0] ?? '');
      const [store, direct] = [await cluster.open({ prefix, endpoints: [line.endpoint] }), await cluster.open({ prefix })];
      try {
        await body(store, line, direct);
      } finally {
        line.close();
        await Promise.all([store.close(), direct.close()]);
      }
    };

    it('a commit whose answer was lost is found by its stamp, with its revision and what it replaced', () =>
      onLine(async (store, line, direct) => {
        await direct.commit([put('b', 'before')]);
        const before = await direct.get('b');
        line.swallow('answers');
        const committing = store.commit([put('a', '1', 0), put('b', '2'), { type: 'check', key: 'c', expected: 0 }]);
        const there = await until('it was carried out', () => direct.get('a'));
        line.cut();
        const changes = await committing;
        assert.deepEqual(changes.map(({ entry }) => entry), [await direct.get('a'), await direct.get('b')]);
        assert.deepEqual(changes.map(({ previous }) => previous), [undefined, before]);
        assert.equal(changes[0]?.entry.revision, there.revision);
      }));

    it('an update that never arrived is sent again, once', () =>
      onLine(async (store, line, direct) => {
        const [made] = await direct.commit([put('a', '1')]);
        line.swallow('questions');
        const committing = store.commit([put('a', '2', made?.entry.revision ?? 0)]);
        setTimeout(line.cut, 50);
        const [change] = await committing;
        assert.deepEqual(change?.entry, await direct.get('a'));
        assert.deepEqual(change?.previous, made?.entry);
      }));

    it('a creation of which nothing is known is not made again, and the error says so', () =>
      onLine(async (store, line, direct) => {
        line.swallow('questions');
        const committing = store.commit([put('a', '1', 0)]);
        setTimeout(line.cut, 50);
        await assert.rejects(committing, failsWith('Unavailable', /not known whether the change was made/));
        assert.equal(await direct.get('a'), undefined);
        await store.commit([put('a', '1', 0)]);
      }));

    it('a deletion whose answer was lost is not claimed by who cannot know it was his', () =>
      onLine(async (store, line, direct) => {
        const [made] = await direct.commit([put('a', '1')]);
        line.swallow('answers');
        const committing = store.commit([{ type: 'delete', key: 'a', expected: made?.entry.revision ?? 0 }]);
        await until('it was carried out', async () => (await direct.get('a')) === undefined);
        line.cut();
        await assert.rejects(committing, failsWith('Unavailable', /not known/));
      }));

    it('who wrote the same text at the same moment is not taken for oneself', () =>
      onLine(async (store, line, direct) => {
        line.swallow('questions');
        const committing = store.commit([put('term', '7', 0)]);
        const [other] = await direct.commit([put('term', '7', 0)]);
        line.cut();
        await assert.rejects(committing, failsWith('Unavailable'));
        assert.deepEqual(await store.get('term'), other?.entry);
      }));

    it('a watch goes on where it was cut, without gap or repetition', () =>
      onLine(async (store, line, direct) => {
        const stop = new AbortController();
        const seen: string[] = [];
        const watching = (async () => {
          for await (const { entry } of store.watch({ prefix: '', after: store.revision, signal: stop.signal })) seen.push(entry.value);
        })();
        for (let n = 0; n < 6; n += 1) {
          await direct.commit([put('a', `${n}`), put('b', `${n}`)]);
          if (n % 2 === 0) line.cut();
        }
        await until('all was seen', () => seen.length >= 12);
        stop.abort();
        await watching;
        assert.deepEqual(seen, [0, 1, 2, 3, 4, 5].flatMap((n) => [`${n}`, `${n}`]));
      }));

    it('a watch whose place was compacted while the line was down ends with Expired, and a new one works', () =>
      onLine(async (store, line, direct) => {
        const stop = new AbortController();
        const watch = store.watch({ prefix: '', after: store.revision, signal: stop.signal })[Symbol.asyncIterator]();
        const next = watch.next();
        line.swallow('answers');
        for (let n = 0; n < 3; n += 1) await direct.commit([put('a', `${n}`)]);
        await direct.compact(direct.revision);
        line.cut();
        await assert.rejects(next, failsWith('Expired'));
        const after = (await store.list('')).revision;
        const again = store.watch({ prefix: '', after, signal: stop.signal })[Symbol.asyncIterator]().next();
        await direct.commit([put('a', 'new')]);
        assert.equal((await again).value?.entry.value, 'new');
        stop.abort();
      }));

    it('a watch from before what is at hand is read from etcd, and goes on with the others', () =>
      onLine(async (_, line, direct) => {
        const [first] = await direct.commit([put('k/0', '0')]);
        for (let n = 1; n < 700; n += 1) await direct.commit([put(n % 2 === 0 ? `k/${n}` : 'x', `${n}`)]);
        assert.ok(cluster);
        const late = await cluster.open({ prefix: `/heddle/line-${prefixes}/`, endpoints: [line.endpoint] });
        const stop = new AbortController();
        const changes: Change[] = [];
        for await (const change of late.watch({ prefix: 'k/', after: first?.entry.revision ?? 0, signal: stop.signal })) {
          changes.push(change);
          if (changes.length === 349) void direct.commit([put('k/end', 'end')]);
          if (change.entry.value === 'end') stop.abort();
        }
        assert.deepEqual(changes.map(({ entry }) => entry.value), [...Array.from({ length: 349 }, (_, n) => `${2 * n + 2}`), 'end']);
        await late.close();
      }));
  });

  describe('an etcd that was away', () => {
    it('writes and reads are Unavailable meanwhile, and watches go on after it is back', async () => {
      const cluster = await startCluster();
      const troubles: string[] = [];
      const store = await cluster.open({ onTrouble: (message) => troubles.push(message) });
      const stop = new AbortController();
      try {
        const next = store.watch({ prefix: '', after: store.revision, signal: stop.signal })[Symbol.asyncIterator]().next();
        await cluster.members[0]?.kill();
        await assert.rejects(store.commit([put('a', '1')]), failsWith('Unavailable', /does not answer|was lost/));
        await assert.rejects(store.get('a'), failsWith('Unavailable'));
        cluster.members[0]?.start();
        await until('it is back', () => store.commit([put('a', '2')]).catch(() => undefined));
        assert.equal((await next).value?.entry.value, '2');
        assert.ok(troubles.some((message) => message.includes('cannot be used')) && troubles.some((message) => message.includes('answers')), troubles.join('; '));
        stop.abort();
      } finally {
        await store.close();
        await cluster.stop();
      }
      await assert.rejects(store.get('a'), failsWith('Unavailable', /closed/));
      await assert.rejects(cluster.open(), failsWith('Unavailable', /does not answer/));
    });
  });

  describe('an etcd that is particular', () => {
    it('lets in who has a certificate of its authority, and says to others what is wrong', async () => {
      const cluster = await startCluster({ tls: true });
      try {
        const store = await cluster.open();
        await store.commit([put('a', '1')]);
        await store.close();
        const stranger = await makeAuthority('stranger', 1);
        const pair = await issueCertificate(stranger, { subject: { commonName: 'x' }, usage: 'client', days: 1 });
        const { ca = '' } = cluster.credentials;
        const open = (options: Partial<EtcdOptions>): Promise<Store> => openEtcdStore({ endpoints: cluster.endpoints, ca, ...options });
        await assert.rejects(open({}), failsWith('Unavailable', /certificate/));
        await assert.rejects(open({ cert: pair.certificate, key: pair.key }), failsWith('Unavailable', /certificate/));
        await assert.rejects(open({ ca: stranger.certificate }), failsWith('Unavailable', /certificate/));
        await assert.rejects(open({ cert: 'none', key: 'none' }), failsWith('BadRequest', /certificate or key/));
        await assert.rejects(open({ endpoints: ['localhost:2379'] }), failsWith('BadRequest', /localhost:2379/));
        await assert.rejects(open({ prefix: 'heddle' }), failsWith('BadRequest', /heddle/));
      } finally {
        await cluster.stop();
      }
    });

    it('without room left refuses writes with words that help, and is read as before', async () => {
      const cluster = await startCluster({ quotaBytes: 8 * 1024 * 1024 });
      const store = await cluster.open();
      try {
        await assert.rejects(store.commit([put('big', 'x'.repeat(2 * 1024 * 1024))]), failsWith('TooLarge'));
        await store.commit([put('first', '1')]);
        const filling = async (): Promise<void> => {
          for (let n = 0; n < 20; n += 1) await store.commit([put(`k/${n}`, 'x'.repeat(1_000_000))]);
        };
        await assert.rejects(filling(), failsWith('InsufficientStorage', /compact and defragment/));
        assert.equal((await store.get('first'))?.value, '1');
        assert.ok((await store.list('k/')).entries.length > 0);
      } finally {
        await store.close();
        await cluster.stop();
      }
    });

    it('has its history compacted only when nobody else uses it', async () => {
      const cluster = await startCluster();
      const troubles: string[] = [];
      const [store, other] = [await cluster.open({ onTrouble: (message) => troubles.push(message) }), await cluster.open({ prefix: '/theirs/store/' })];
      try {
        const [old] = await store.commit([put('a', '1')]);
        await store.commit([put('a', '2')]);
        await other.commit([put('b', '1')]);
        await store.compact(store.revision);
        assert.equal((await store.list('', { revision: old?.entry.revision ?? 0 })).entries[0]?.value, '1');
        assert.match(troubles.join(), /shared with other programs/);
        await other.compact(other.revision);
        await assert.rejects(store.list('', { revision: old?.entry.revision ?? 0 }), failsWith('Expired'));
      } finally {
        await Promise.all([store.close(), other.close()]);
        await cluster.stop();
      }
    });

    it('is filled where nothing is, above the revisions of before, and opened only when that is done', async () => {
      const cluster = await startCluster();
      const { endpoints } = cluster;
      try {
        await fillEtcdStore({ endpoints }, 5_000_000, async (store) => {
          await assert.rejects(cluster.open(), failsWith('Unavailable', /being restored/));
          await store.commit([put('a', '1')]);
        });
        const store = await cluster.open();
        const entry = await store.get('a');
        const revision = entry?.revision ?? 0;
        assert.ok(revision > 5_000_000);
        assert.deepEqual((await store.list('', { revision })).entries, [entry]);
        await assert.rejects(store.list('', { revision: 4_999_999 }), failsWith('Expired'));
        await assert.rejects(store.commit([put('a', '2', 3)]), failsWith('Conflict'));
        const seen = store.watch({ prefix: '', after: revision - 1, signal: AbortSignal.timeout(5000) })[Symbol.asyncIterator]();
        assert.deepEqual((await seen.next()).value?.entry, entry);
        await assert.rejects(take(store, 4_000_000), failsWith('Expired'));
        await store.compact(revision);
        await store.close();
        await assert.rejects(fillEtcdStore({ endpoints }, 9_000_000, async () => undefined), failsWith('Conflict', /choose another prefix/));
      } finally {
        await cluster.stop();
      }
    });
  });
});

const take = (store: Store, after: number): Promise<unknown> => store.watch({ prefix: '', after, signal: new AbortController().signal })[Symbol.asyncIterator]().next();
