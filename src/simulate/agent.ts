/** One simulated device with its agent: the real agent and client over a simulated data plane, journal and link. */
import { type Agent, startAgent } from '../agent/agent.ts';
import type { BackoffOptions } from '../agent/backoff.ts';
import { type Digest, digestPlus, emptyDigest } from '../goal/digest.ts';
import type { Result } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { Replica } from '../goal/replica.ts';
import type { Logger } from '../kit/log.ts';
import { type ClientOptions, type SouthboundClient, connectSouthbound } from '../southbound/client.ts';
import type { StreamOptions } from '../southbound/stream.ts';
import { type Grip, type RowWatcher, SimulatedDevice } from './device.ts';
import type { Faults } from './faults.ts';
import { SharedJournal } from './journal.ts';
import { Link } from './link.ts';
import { Random } from './random.ts';
import type { SharedDecoder } from './sharing.ts';

/** What all devices of a fleet have in common. */
export interface AgentSurroundings {
  readonly server: string;
  readonly serverName?: string | undefined;
  readonly ca: string;
  readonly secureContext: NonNullable<StreamOptions['secureContext']>;
  readonly token: (device: string) => string;
  readonly seed: number;
  readonly faults: () => Faults;
  readonly decoder: SharedDecoder;
  readonly log: Logger;
  readonly agentVersion: string;
  /** Another one in every process, as no disk outlives it. */
  readonly incarnation: string;
  readonly driftMilliseconds: number;
  readonly backoff: Required<BackoffOptions>;
  readonly onRow?: RowWatcher | undefined;
  readonly onConnection: (device: string, connected: boolean) => void;
  readonly onResult: (device: string, result: Result) => void;
}

/** An agent that runs, or is just coming up. */
interface Life {
  readonly grip: Grip;
  readonly replica: Replica;
  agent: Agent | undefined;
  connected: boolean;
  over: boolean;
}

export class SimulatedAgent {
  readonly device: SimulatedDevice;
  readonly link: Link;
  readonly #around: AgentSurroundings;
  readonly #journal: SharedJournal;
  readonly #random: Random;
  /** How fast this device's clock runs beside the others'. */
  readonly #pace: number;
  #boots = 1;
  #disks = 1;
  #life: Life | undefined;

  constructor(name: string, around: AgentSurroundings) {
    const { seed, faults, onRow, decoder } = around;
    this.#around = around;
    this.#random = Random.named(seed, name);
    this.#journal = new SharedJournal(decoder);
    this.#pace = 1 + faults().clockSkew * (2 * this.#random.next() - 1);
    this.device = new SimulatedDevice({ name, random: Random.named(seed, `${name}/device`), faults, onRow });
    this.link = new Link({ random: Random.named(seed, `${name}/link`), faults });
  }

  get name(): string {
    return this.device.name;
  }

  get running(): boolean {
    return this.#life !== undefined;
  }

  get connected(): boolean {
    return this.#life?.connected === true;
  }

  /** Version and digest of every scope that the agent holds; empty while it is down. */
  scopes(): ReadonlyMap<string, { readonly version: number; readonly digest: Digest }> {
    return this.#life?.replica.scopes ?? new Map();
  }

  /** Of all scopes together. */
  digest(): Digest {
    let digest = emptyDigest;
    for (const scope of this.scopes().values()) digest = digestPlus(digest, scope.digest);
    return digest;
  }

  counters(): { readonly rowsWritten: number; readonly driftRepaired: number } {
    const { rowsWritten = 0, driftRepaired = 0 } = this.#life?.agent?.status() ?? {};
    return { rowsWritten, driftRepaired };
  }

  /** The device's agent starts, and finds journal and data plane as they were left. Nothing happens when it runs. */
  async start(): Promise<void> {
    if (this.#life !== undefined) return;
    const { decoder } = this.#around;
    const replica = new Replica(decoder.row);
    const life: Life = { grip: this.device.grip(), replica, agent: undefined, connected: false, over: false };
    this.#life = life;
    const agent = await this.#begin(life);
    life.agent = agent;
    if (life.over) await agent.stop();
  }

  /** The agent's process dies at once, in the middle of whatever it does. The device goes on forwarding. */
  crash(): void {
    const life = this.#end();
    this.link.kill();
    void life?.agent?.stop();
  }

  /** The agent ends as on SIGTERM. */
  async stop(): Promise<void> {
    await this.#end()?.agent?.stop();
  }

  /** The power fails: what was programmed is gone, and with `disk: 'lost'` the journal too. The agent is down afterwards. */
  fail(disk: 'kept' | 'lost'): void {
    this.crash();
    this.device.clear();
    this.#boots += 1;
    if (disk === 'kept') return;
    this.#journal.wipe();
    this.#disks += 1;
  }

  /** Somebody else takes a row away from the device, if it has any. */
  drift(): void {
    const row = this.#random.pick([...this.device.rows.keys()]);
    if (row !== undefined) this.device.lose(row);
  }

  #begin(life: Life): Promise<Agent> {
    const { server, serverName, ca, token, log, agentVersion, incarnation, driftMilliseconds, backoff } = this.#around;
    return startAgent({
      device: this.name,
      server,
      ca,
      token: () => token(this.name),
      stateDirectory: '',
      journal: this.#journal.recover(),
      replica: life.replica,
      connect: (options) => this.#connect(life, options),
      driver: life.grip.driver,
      log,
      agentVersion,
      newEpoch: () => `${incarnation}-${this.#disks}`,
      bootId: `boot-${this.#boots}`,
      driftMilliseconds: driftMilliseconds * this.#pace,
      backoff: { first: backoff.first * this.#pace, longest: backoff.longest * this.#pace },
      ...(serverName === undefined ? {} : { serverName }),
    });
  }

  #connect(life: Life, options: ClientOptions): SouthboundClient {
    const { secureContext, decoder, onResult } = this.#around;
    const { handlers } = options;
    const client = connectSouthbound({
      ...options,
      open: (stream) => this.link.open({ ...stream, secureContext }),
      decode: decoder.message,
      handlers: {
        ...handlers,
        onWelcome: (welcome, server) => {
          this.#connection(life, true);
          handlers.onWelcome(welcome, server);
        },
        onDisconnected: (reason) => {
          this.#connection(life, false);
          handlers.onDisconnected(reason);
        },
      },
    });
    return {
      sendResult: (result) => {
        onResult(this.name, result);
        return client.sendResult(result);
      },
      sendReport: (report) => client.sendReport(report),
      sendActual: (rows) => client.sendActual(rows),
      sendProbes: (answers) => client.sendProbes(answers),
      close: () => client.close(),
    };
  }

  #end(): Life | undefined {
    const life = this.#life;
    if (life === undefined) return undefined;
    life.over = true;
    life.grip.release();
    this.#connection(life, false);
    this.#life = undefined;
    return life;
  }

  #connection(life: Life, connected: boolean): void {
    if (life.connected === connected || (connected && life.over)) return;
    life.connected = connected;
    this.#around.onConnection(this.name, connected);
  }
}
