/**
 * One run of chaos: the real pieces in one process, with faults between all of them, and in rounds the quiet after which
 * everything has to be right. What is done follows from the seed; how it interleaves is up to the machine.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtinObjects } from '../api/builtin.ts';
import type { ResourceClient } from '../api/client.ts';
import type { FabricStatus } from '../api/kinds/fabric.ts';
import type { Resource } from '../api/object.ts';
import { allowAnnotation } from '../control/safeguard.ts';
import { HeddleError } from '../kit/error.ts';
import { type Faults, noFaults } from '../simulate/faults.ts';
import { Fleet } from '../simulate/fleet.ts';
import { Random } from '../simulate/random.ts';
import { loopbackCertificate } from '../southbound/testing.ts';
import { deviceToken } from '../southbound/tokens.ts';
import { createMemoryStore } from '../store/memory.ts';
import { openSqliteStore } from '../store/sqlite.ts';
import type { Store } from '../store/store.ts';
import { everything, expectedOf, type Expected } from './expected.ts';
import { follow } from './follow.ts';
import { judgedKinds, wrongIn } from './inspection.ts';
import { anyFabric, describeEdit, Intent, perform, type Fabric } from './intent.ts';
import { apiOf, startPlane, type Plane } from './plane.ts';
import { Witness } from './witness.ts';
import { openWire, soundWire, type Wire } from './wire.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly store: 'memory' | 'sqlite';
  readonly onLog?: (line: string) => void;
}

const secret = Buffer.alloc(32, 3);
let certificate: ReturnType<typeof loopbackCertificate> | undefined;

export class World {
  readonly log: string[] = [];
  readonly #options: ChaosOptions;
  readonly #random: Random;
  readonly #began = performance.now();
  readonly #fabric: Fabric;
  readonly #intent: Intent;
  readonly #witness: Witness;
  readonly #directory: string | undefined;
  readonly #ended: Promise<unknown>[] = [];
  #images = 0;
  #store: Store;
  #api: ResourceClient;
  #watching = new AbortController();
  #wire: Wire | undefined;
  #fleet: Fleet | undefined;
  #planes: Plane[] = [];
  #planesStarted = 0;
  #cached: { readonly key: string; readonly expected: Expected } | undefined;

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = Random.named(options.seed, 'steps');
    this.#fabric = anyFabric(Random.named(options.seed, 'fabric'));
    this.#intent = new Intent(this.#fabric, Random.named(options.seed, 'intent'));
    this.#witness = new Witness(this.#fabric, () => this.#now());
    this.#directory = options.store === 'memory' ? undefined : mkdtempSync(join(tmpdir(), 'heddle-chaos-'));
    this.#store = this.#directory === undefined ? createMemoryStore() : openStore(join(this.#directory, '0'));
    this.#api = apiOf(this.#store);
  }

  get faults(): readonly string[] {
    return this.#witness.faults;
  }

  /** Claims of the API that were compared with what devices held. */
  get judged(): number {
    return this.#witness.judged;
  }

  async start(): Promise<void> {
    certificate ??= loopbackCertificate();
    const { certificate: ca } = await certificate;
    await this.#api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
    for (const object of [...builtinObjects, ...this.#fabric.objects]) await this.#api.create(object);
    this.#watch();
    this.#wire = await openWire(Random.named(this.#options.seed, 'wire'));
    await this.#startPlane();
    this.#fleet = new Fleet({
      server: this.#wire.address,
      ca,
      token: (device) => deviceToken(secret, device),
      devices: this.#fabric.devices,
      faults: { clockSkew: 0.2 },
      seed: this.#options.seed,
      driftMilliseconds: 100,
      backoff: { first: 20, longest: 200 },
      onRow: this.#witness.onRow,
    });
    await this.#fleet.start();
  }

  /** One thing that happens. */
  async step(): Promise<void> {
    const happenings: readonly (readonly [number, () => void | Promise<void>])[] = [
      [12, () => this.#edit()],
      [2, () => this.#burst()],
      [10, () => this.#wait(60)],
      [2, () => this.#wait(300)],
      [3, () => this.#calm()],
      [3, () => this.#mishap()],
      [3, () => this.#exchangeFaults()],
      [2, () => this.#exchangeWire()],
      [1, () => this.#cutWire()],
      [1, () => this.#crashServer()],
      [1, () => this.#newLeader()],
    ];
    let left = this.#random.below(happenings.reduce((sum, [weight]) => sum + weight, 0));
    await happenings.find(([weight]) => (left -= weight) < 0)?.[1]();
  }

  /** All faults end; resolves when everything is right, and answers what never came right. */
  async settle(milliseconds: number): Promise<readonly string[]> {
    this.#say('quiet');
    await this.#heal();
    const deadline = this.#now() + milliseconds;
    for (;;) {
      const objects = await everything(this.#api);
      const { fleet } = this.#world;
      const wrong = wrongIn({ intent: this.#intent, fleet, objects, expected: this.#expected(objects) });
      if (wrong.length === 0) break;
      await this.#allowDeletions(objects);
      if (this.#now() > deadline) return wrong;
      await sleep(25);
    }
    this.#say('all is right');
    this.#witness.judge();
    this.#witness.renew(this.#intent.objects());
    return [];
  }

  async close(): Promise<void> {
    await this.#fleet?.close();
    for (const plane of this.#planes) this.#end(plane);
    this.#planes = [];
    this.#watching.abort();
    await Promise.all(this.#ended);
    await this.#wire?.close();
    await this.#store.close();
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true });
  }

  get #world(): { readonly fleet: Fleet; readonly wire: Wire } {
    const [fleet, wire] = [this.#fleet, this.#wire];
    if (fleet === undefined || wire === undefined) throw new Error('the world was not started');
    return { fleet, wire };
  }

  #now(): number {
    return performance.now() - this.#began;
  }

  #say(line: string): void {
    const text = `${this.#now().toFixed(0).padStart(6)} ${line}`;
    this.log.push(text);
    this.#options.onLog?.(text);
  }

  async #edit(): Promise<void> {
    const edit = this.#intent.next();
    this.#witness.intend(this.#intent.after(edit));
    const answer = await perform(this.#api, edit);
    this.#say(`${answer === 'refused' ? 'refused: ' : ''}${describeEdit(edit)}`);
    if (answer === 'refused') this.#witness.intend(this.#intent.objects());
    else this.#intent.accept(edit);
    if (answer !== 'refused' && answer !== undefined) this.#witness.accepted(answer);
  }

  async #burst(): Promise<void> {
    for (let count = 3 + this.#random.below(4); count > 0; count -= 1) await this.#edit();
  }

  /** For a moment nothing goes wrong, so that something is programmed and said to be. */
  async #calm(): Promise<void> {
    this.#say('calm');
    this.#world.fleet.setFaults({ ...noFaults, clockSkew: this.#world.fleet.faults.clockSkew });
    this.#world.wire.faults = soundWire;
    await this.#wait(800);
  }

  async #wait(most: number): Promise<void> {
    await sleep(this.#random.below(most));
  }

  #mishap(): void {
    const { fleet } = this.#world;
    const name = this.#random.pick(this.#fabric.devices) ?? '';
    const what = this.#random.pick(['crash', 'crash', 'reboot', 'wipe', 'drift', 'cut'] as const);
    this.#say(`${what} ${name}`);
    if (what === 'drift') return fleet.agent(name).drift();
    if (what === 'cut') return fleet.cut([name]);
    if (what === 'crash') fleet.crash([name]);
    else fleet.fail(what === 'wipe' ? 'lost' : 'kept', [name]);
    const absence = this.#random.chance(0.3) ? this.#random.below(600) : this.#random.below(30);
    this.#ended.push(sleep(absence).then(() => fleet.start([name])));
  }

  #exchangeFaults(): void {
    const random = this.#random;
    const some = (chance: number, most: number): number => (random.chance(chance) ? random.next() * most : 0);
    const rejected = random.pick(['attachment/*', 'segment/*', 'vrf/*', 'host/*', 'leak/*', '*']) ?? '*';
    const slow = random.pick(['segment', 'attachment', 'port', 'vrf']) ?? 'vrf';
    const faults: Partial<Faults> = {
      latencyMilliseconds: { least: 0, most: some(0.5, 40) },
      loss: some(0.4, 0.1),
      answerLoss: some(0.4, 0.2),
      duplication: some(0.4, 0.3),
      reordering: some(0.4, 0.3),
      rejections: random.chance(0.4) ? [{ rows: rejected, chance: random.next() }] : [],
      slowTables: random.chance(0.3) ? [{ table: slow, milliseconds: random.below(15) }] : [],
    };
    this.#say(`faults ${JSON.stringify(faults)}`);
    this.#world.fleet.setFaults(faults);
  }

  #exchangeWire(): void {
    const { wire } = this.#world;
    const breaks = this.#random.chance(0.6);
    const breakBytes = 2000 + this.#random.below(20_000);
    wire.faults = breaks ? { breakBytes, silentChance: 0.2, silentMilliseconds: 400 } : soundWire;
    this.#say(breaks ? `connections break after ${wire.faults.breakBytes} bytes` : 'connections hold');
  }

  #cutWire(): void {
    this.#say('all connections break');
    this.#world.wire.cut();
  }

  /** A control plane dies; with a store on disk sometimes the whole machine, of which only the files remain. */
  async #crashServer(): Promise<void> {
    const wholeMachine = this.#directory !== undefined && this.#random.chance(0.5);
    const dying = wholeMachine ? [...this.#planes] : this.#planes.slice(0, 1);
    this.#say(`crash ${dying.map(({ name }) => name).join(', ')}${wholeMachine ? ' and the store' : ''}`);
    for (const plane of dying) this.#end(plane);
    this.#planes = this.#planes.filter((plane) => !dying.includes(plane));
    this.#lead();
    if (wholeMachine) await this.#reopenStore();
    await this.#wait(150);
    if (this.#planes.length === 0) await this.#startPlane();
  }

  /** Another one takes office while the old one, which the store does not serve any more, still talks to devices. */
  async #newLeader(): Promise<void> {
    const [former, ...others] = this.#planes;
    if (others.length > 0 && former !== undefined) {
      this.#say(`end of ${former.name}`);
      this.#planes = others;
      this.#end(former);
      return this.#lead();
    }
    if (former !== undefined) {
      this.#say(`${former.name} is cut off from the store`);
      former.partition();
    }
    await this.#startPlane();
  }

  async #startPlane(): Promise<void> {
    certificate ??= loopbackCertificate();
    const version = `plane-${(this.#planesStarted += 1)}`;
    const clockSkew = this.#random.between(-5000, 5000);
    this.#say(`start ${version}`);
    const plane = await startPlane({ store: this.#store, tls: await certificate, tokenSecret: secret, clockSkew, version });
    this.#planes.push(plane);
    this.#say(`${version} leads with term ${plane.term}`);
    this.#lead();
  }

  #lead(): void {
    if (this.#wire !== undefined) this.#wire.targets = this.#planes.map(({ port }) => port);
  }

  #end(plane: Plane): void {
    this.#ended.push(plane.crash());
  }

  /** What a machine that lost its power finds on its disk: nothing was closed, nothing was tidied up. */
  async #reopenStore(): Promise<void> {
    const [former, store] = [join(this.#directory ?? '', String(this.#images)), this.#store];
    this.#images += 1;
    const image = join(this.#directory ?? '', String(this.#images));
    cpSync(former, image, { recursive: true });
    this.#watching.abort();
    await store.close();
    if (existsSync(former)) rmSync(former, { recursive: true });
    this.#store = openStore(image);
    this.#api = apiOf(this.#store);
    this.#watch();
  }

  #watch(): void {
    this.#watching = new AbortController();
    const { signal } = this.#watching;
    for (const kind of judgedKinds) this.#ended.push(follow(this.#api, kind, signal, this.#witness.onObject));
  }

  async #heal(): Promise<void> {
    const { fleet, wire } = this.#world;
    fleet.setFaults({ ...noFaults, clockSkew: fleet.faults.clockSkew });
    wire.faults = soundWire;
    const stays = this.#planes.findLast(({ partitioned }) => !partitioned);
    for (const plane of this.#planes) if (plane !== stays) this.#end(plane);
    this.#planes = stays === undefined ? [] : [stays];
    if (stays === undefined) await this.#startPlane();
    this.#lead();
    await fleet.start();
  }

  /** Whoever looks after the fabric finds that what is held back is meant. */
  async #allowDeletions(objects: readonly Resource[]): Promise<void> {
    const fabric = objects.find(({ kind }) => kind === 'Fabric');
    const token = (fabric?.status as FabricStatus | undefined)?.held?.token;
    if (fabric === undefined || token === undefined || fabric.metadata.annotations?.[allowAnnotation] === token) return;
    this.#say(`allow what is held: ${token}`);
    try {
      await this.#api.update({ ...fabric, metadata: { ...fabric.metadata, annotations: { [allowAnnotation]: token } } });
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'Conflict') throw thrown;
    }
  }

  #expected(objects: readonly Resource[]): Expected {
    const phase = ({ status }: Resource): string => (status as { phase?: string } | undefined)?.phase ?? '';
    const key = objects.map((object) => `${object.metadata.uid} ${object.metadata.generation} ${phase(object)}`).join();
    if (this.#cached?.key !== key) this.#cached = { key, expected: expectedOf(objects) };
    return this.#cached.expected;
  }
}

const openStore = (folder: string): Store => {
  mkdirSync(folder, { recursive: true });
  return openSqliteStore(join(folder, 'heddle.db'));
};
