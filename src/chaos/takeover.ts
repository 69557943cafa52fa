/**
 * The leader is killed under load, again and again. Whatever an API server acknowledged must be on the devices afterwards, every row
 * that a device came to hold must stay as it is, since nothing is taken back here, and the next change must come soon.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../api/object.ts';
import { addressSpace, attachment, connection, fabric, server, switchOf, vpc } from '../compile/fixture.ts';
import { conditionOf, fresh } from '../control/testing.ts';
import { leaseName } from '../cli/leading.ts';
import { tokenSecretFile } from '../cli/token.ts';
import { recordOf, southboundAnnotation, termOf } from '../control/leader/record.ts';
import { HeddleError, type ErrorCode } from '../kit/error.ts';
import { Fleet } from '../simulate/fleet.ts';
import { deviceToken, loadTokenSecret } from '../southbound/tokens.ts';
import type { ResourceClient } from '../api/client.ts';
import type { ClusterShape } from '../store/etcd/testing.ts';
import { type Cluster, openCluster, type Server } from './cluster.ts';
import { Ledger } from './ledger.ts';

/**
 * What happens to the leader: `kill -9`, SIGTERM, or it stands still until another one leads and then goes on. `member`: to the
 * leader nothing, but a member of etcd is killed.
 */
export type End = 'kill' | 'stop' | 'pause' | 'member';

export interface TakeoverOptions {
  readonly servers: 2 | 3;
  /** Of etcd. Default: one, without TLS. */
  readonly etcd?: ClusterShape;
  /** One leader each. */
  readonly ends: readonly End[];
  readonly onLog?: (line: string) => void;
}

export interface TakeoverResult {
  /** Empty when nothing was. */
  readonly wrong: readonly string[];
  /** Milliseconds from the end of the leader until devices had acknowledged a change that was made right after it. */
  readonly takeovers: readonly { readonly end: End; readonly milliseconds: number }[];
  /** Rows that devices came to hold. */
  readonly rows: number;
  /** Attachments that an API server acknowledged, and writes of other objects. */
  readonly acknowledged: number;
  readonly others: number;
  /** How often the watcher was cut off and went on that was it least. */
  readonly resumed: number;
}

const leaves = ['leaf-1', 'leaf-2', 'leaf-3', 'leaf-4'];
const portsOfLeaf = 44;
const vpcs = ['red', 'green', 'blue', 'white'];
const pauseMilliseconds = 25;
const patienceMilliseconds = 30_000;
/** How long a member of etcd stays away. */
const memberMilliseconds = 1500;

/** While etcd elects, nobody is answered, or not in time. */
const isAway = (code: ErrorCode): boolean => code === 'Unavailable' || code === 'Timeout';

const place = (index: number): { readonly leaf: string; readonly name: string; readonly port: number } => {
  const leaf = leaves[index % leaves.length] ?? '';
  const port = Math.floor(index / leaves.length) + 1;
  return { leaf, port, name: `s${index}` };
};

const places = leaves.length * portsOfLeaf;

const declared = (): Resource[] => [
  fabric(),
  addressSpace('default', '10.0.0.0/8'),
  switchOf('spine-1', 'spine'),
  ...leaves.map((name) => switchOf(name, 'leaf')),
  ...leaves.map((name, index) => connection(`spine-1--${name}`, [[`spine-1/E1/${index + 1}`, `${name}/E1/49`]])),
  ...vpcs.map((name, index) => vpc(name, { front: `10.${index + 1}.0.0/16` })),
  ...Array.from({ length: places }, (_, index) => place(index)).flatMap(({ leaf, port, name }, index) => [
    server(name, index + 1),
    connection(`${name}--${leaf}`, [[`${name}/eth1`, `${leaf}/E1/${port}`]]),
  ]),
];

const attach = (index: number): Resource => {
  const { leaf, name } = place(index);
  return fresh(attachment(name, { vpc: vpcs[index % vpcs.length], subnet: 'front', connection: `${name}--${leaf}` }));
};

export const runTakeover = async (options: TakeoverOptions): Promise<TakeoverResult> => {
  const run = new Takeover(options);
  try {
    await run.start();
    for (const end of options.ends) if (run.wrong.length === 0) await run.round(end);
    await run.judge();
  } finally {
    await run.close();
  }
  return { wrong: run.wrong, takeovers: run.takeovers, acknowledged: run.acknowledged, others: run.others, rows: run.rows, resumed: run.resumed };
};

class Takeover {
  readonly wrong: string[] = [];
  readonly takeovers: { readonly end: End; readonly milliseconds: number }[] = [];
  readonly #options: TakeoverOptions;
  readonly #began = performance.now();
  /** Attachments that an API server acknowledged. */
  readonly #known = new Set<number>();
  /** What each device holds, or once held. */
  readonly #rows = new Map<string, string>();
  #next = 0;
  #cluster: Cluster | undefined;
  #fleet: Fleet | undefined;
  #writers: Promise<unknown> = Promise.resolve();
  #isWriting = false;
  readonly #ledger = new Ledger();
  readonly #watching = new AbortController();
  #watches: Promise<unknown> = Promise.resolve();
  #endLedger: () => void = () => undefined;

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  get acknowledged(): number {
    return this.#known.size;
  }

  get others(): number {
    return this.#ledger.acknowledged;
  }

  get resumed(): number {
    return this.#ledger.resumed;
  }

  get rows(): number {
    return this.#rows.size;
  }

  async start(): Promise<void> {
    const cluster = await openCluster(this.#options.servers, this.#options.etcd);
    this.#cluster = cluster;
    const [first] = cluster.servers;
    if (first === undefined) return;
    const secret = loadTokenSecret(tokenSecretFile(first.data));
    const objects = declared();
    while (objects.length > 0) await Promise.all(objects.splice(0, 16).map((object) => first.client.create(fresh(object))));
    this.#fleet = new Fleet({
      server: cluster.servers.map(({ southbound }) => southbound).join(','),
      ca: cluster.ca,
      token: (device) => deviceToken(secret, device),
      devices: ['spine-1', ...leaves],
      onRow: (device, row, after, before) => this.#saw(`${device} ${row}`, after, before),
    });
    await this.#fleet.start();
    await this.#put(this.#next++, first);
    await this.#programmed(0, first);
    await this.#watch(first);
    this.#say('everything is there');
  }

  /** One leader ends; resolves when everything is right again, its server back among the others. */
  async round(end: End): Promise<void> {
    const { servers } = this.#site;
    const leader = await this.#leader();
    const other = servers.find((each) => each !== leader);
    if (other === undefined) throw new Error('nobody would be left');
    this.#write();
    await sleep(500);
    const ended = performance.now();
    const stopped = this.#end(leader, end);
    const index = this.#next++;
    await (end === 'member' ? this.#insist(index, other) : this.#put(index, other));
    const acknowledged = Math.round(performance.now() - ended);
    await this.#programmed(index, other);
    const milliseconds = Math.round(performance.now() - ended);
    this.takeovers.push({ end, milliseconds });
    this.#say(`${leader.name}: ${end}; a change acknowledged after ${acknowledged} ms was on its devices after ${milliseconds} ms`);
    await sleep(300);
    if (end === 'pause') leader.resume();
    await stopped;
    await sleep(300);
    await this.#rest();
    if (end === 'kill' || end === 'stop') await leader.start();
    if (end === 'member') await sleep(memberMilliseconds);
  }

  async #end(leader: Server, end: End): Promise<void> {
    const { members } = this.#site.etcd;
    const member = members[this.takeovers.length % members.length];
    if (end === 'member') {
      await member?.kill();
      // As long as nobody needs it: with one more it would be the majority that is away.
      setTimeout(() => member?.start(), memberMilliseconds);
    } else if (end === 'kill') leader.kill();
    else if (end === 'pause') leader.pause();
    else await leader.stop();
  }

  /** Whether everything that was acknowledged is there and on the devices. */
  async judge(): Promise<void> {
    await this.#rest();
    const server = this.#site.servers.find(({ isRunning }) => isRunning);
    if (server === undefined) return;
    const { items } = await server.client.list('VPCAttachment');
    const found = new Set(items.map(({ metadata }) => metadata.name));
    for (const index of this.#known) if (!found.has(place(index).name)) this.wrong.push(`attachment ${place(index).name} was acknowledged and is lost`);
    for (const index of this.#known) await this.#programmed(index, server);
    for (const index of this.#known) {
      const { leaf, port, name } = place(index);
      const rows = [...(this.#fleet?.agent(leaf).device.rows.keys() ?? [])];
      if (!rows.includes(`attachment/E1/${port}`)) this.wrong.push(`${leaf} holds no attachment of ${name}`);
    }
    this.#say(`${this.#known.size} acknowledged writes are on the devices`);
    const listed = async (): Promise<readonly Resource[]> => (await server.client.list('ConfigMap')).items;
    for (const deadline = performance.now() + patienceMilliseconds; performance.now() < deadline && !this.#ledger.isSeenBy(await listed()); ) await sleep(pauseMilliseconds);
    this.wrong.push(...this.#ledger.judge(await listed()));
    this.#say(`${this.#ledger.acknowledged} other acknowledged writes are stored, and watchers saw each once`);
  }

  async close(): Promise<void> {
    await this.#rest();
    this.#watching.abort();
    await this.#watches;
    await this.#fleet?.close();
    await this.#cluster?.close();
  }

  get #site(): Cluster {
    if (this.#cluster === undefined) throw new Error('not started');
    return this.#cluster;
  }

  #say(line: string): void {
    this.#options.onLog?.(`${Math.round(performance.now() - this.#began).toString().padStart(6)} ${line}`);
  }

  /** Every object is made once and stays, so a row may come, and nothing else. */
  #saw(row: string, after: string | undefined, before: string | undefined): void {
    if (after === undefined) this.wrong.push(`${row} was taken away from where it belongs`);
    else if (before !== undefined && before !== after) this.wrong.push(`${row} came to mean something else: ${before} became ${after}`);
    const former = this.#rows.get(row);
    if (after !== undefined && former !== undefined && former !== after) this.wrong.push(`${row} was ${former} and came back as ${after}`);
    if (after !== undefined) this.#rows.set(row, after);
  }

  /** A watcher of each server, who goes to the next one when he is cut off, and one who does the same and writes. */
  async #watch(first: Server): Promise<void> {
    const { resourceVersion } = await first.client.list('ConfigMap');
    const { signal } = this.#watching;
    this.#watches = Promise.all(this.#site.servers.map(({ name }, index) => this.#ledger.follow(`watcher of ${name}`, this.#inTurn(index), resourceVersion, signal)));
  }

  /** Another server each time. */
  #inTurn(first: number): () => ResourceClient {
    let next = first;
    return () => {
      const running = this.#site.servers.filter(({ isRunning }) => isRunning);
      const server = running[(next += 1) % Math.max(1, running.length)];
      if (server === undefined) throw new HeddleError('Unavailable', 'no server runs');
      return server.client;
    };
  }

  /** All servers are written to at once. */
  #write(): void {
    this.#isWriting = true;
    const resting = new AbortController();
    this.#endLedger = () => resting.abort();
    const writers = this.#site.servers.map((_, index) => this.#ledger.write(`${this.takeovers.length}.${index}`, this.#inTurn(index), resting.signal));
    this.#writers = Promise.all([
      ...writers,
      ...this.#site.servers.map(async (server) => {
        while (this.#isWriting && this.#next < places - this.#options.ends.length) {
          const index = this.#next++;
          await this.#put(index, server).catch(() => sleep(100));
          await sleep(pauseMilliseconds);
        }
      }),
    ]);
  }

  async #rest(): Promise<void> {
    this.#isWriting = false;
    this.#endLedger();
    await this.#writers;
  }

  /** An answer of etcd that was lost with the member means that nobody knows: one asks again. */
  async #insist(index: number, to: Server): Promise<void> {
    for (const deadline = performance.now() + patienceMilliseconds; ; await sleep(pauseMilliseconds)) {
      try {
        return await this.#put(index, to);
      } catch (thrown) {
        const { code } = HeddleError.from(thrown);
        if (code === 'AlreadyExists') return void this.#known.add(index);
        if (!isAway(code) || performance.now() > deadline) throw thrown;
      }
    }
  }

  async #put(index: number, to: Server): Promise<void> {
    await to.client.create(attach(index));
    this.#known.add(index);
  }

  async #leader(): Promise<Server> {
    const deadline = performance.now() + patienceMilliseconds;
    for (;;) {
      for (const server of this.#site.servers) {
        if (!server.isRunning) continue;
        const lease = await server.client.get({ kind: 'Lease', ...leaseName }).catch(() => undefined);
        const address = lease?.metadata.annotations?.[southboundAnnotation];
        const leader = this.#site.servers.find(({ southbound, isRunning }) => isRunning && southbound === address);
        if (lease === undefined || leader === undefined || recordOf(lease).holder === '') continue;
        this.#say(`${leader.name} leads, term ${termOf(lease)}`);
        return leader;
      }
      if (performance.now() > deadline) throw new HeddleError('Timeout', 'nobody leads');
      await sleep(50);
    }
  }

  async #programmed(index: number, at: Server): Promise<void> {
    const { name } = place(index);
    const deadline = performance.now() + patienceMilliseconds;
    for (;;) {
      const object = await at.client.get({ kind: 'VPCAttachment', namespace: 'default', name }).catch((thrown: unknown): undefined => {
        if (!isAway(HeddleError.from(thrown).code)) throw thrown;
      });
      if (object !== undefined && conditionOf(object, 'Programmed')?.status === 'True') return;
      if (performance.now() > deadline) {
        this.wrong.push(`attachment ${name} is not on its devices: ${JSON.stringify(object?.status)}`);
        return;
      }
      await sleep(15);
    }
  }
}
