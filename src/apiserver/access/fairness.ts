/**
 * Fair shares of the server. So many requests are carried out at once; what comes beyond waits in a queue of its client, and a
 * place that becomes free goes to the clients in turn, and within a client to its users in turn: who floods waits behind
 * himself. Where queues are full the longest one gives up its last, and that is answered with 429, as is a wait too long.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { HeddleError } from '../../kit/error.ts';
import { serviceAccountOf, type User } from './user.ts';

export interface FairnessOptions {
  /** Requests carried out at once. Default 128. */
  readonly seats?: number;
  /** Of these by one client, while others could come: slow uploads of one must not take them all. Default 64. */
  readonly seatsOfOne?: number;
  /** Requests of one client that may wait. Default 256. */
  readonly queueOfOne?: number;
  /** Requests that may wait together. Default 4096. */
  readonly queue?: number;
  /** Default 15,000. */
  readonly waitMilliseconds?: number;
  readonly metrics?: Registry;
}

/** Who shares a share, and who in turn within it. */
export interface Client {
  readonly name: string;
  readonly user: string;
}

/** A tenant may make as many ServiceAccounts as he likes; they are one client. Everybody else is one alone. */
export const clientOf = ({ name }: User): Client => {
  const account = serviceAccountOf(name);
  return { name: account === undefined ? name : `system:serviceaccounts:${account.namespace}`, user: name };
};

export interface Fairness {
  /**
   * Resolves when it is this client's turn, with the function to call when the request has ended. Throws `TooManyRequests`.
   * When the signal aborts, the client is gone: the place in the queue is given up, and the answer is thrown away.
   */
  enter(client: Client, signal: AbortSignal): Promise<() => void>;
  readonly waiting: number;
}

interface Waiter {
  readonly client: Client;
  grant(): void;
  giveUp(error: HeddleError): void;
}

interface Flow {
  seats: number;
  waiting: number;
  /** By user, the one whose turn is next first. */
  readonly queues: Map<string, Set<Waiter>>;
}

export const createFairness = (options: FairnessOptions = {}): Fairness => {
  const { seats = 128, seatsOfOne = 64, queueOfOne = 256, queue = 4096, waitMilliseconds = 15_000 } = options;
  const told = createMetrics(options.metrics);
  const flows = new Map<string, Flow>();
  /** Clients with a queue, the one whose turn is next first. */
  const turns = new Set<string>();
  let [taken, waiting] = [0, 0];

  const flowOf = (name: string): Flow => {
    const found = flows.get(name) ?? { seats: 0, waiting: 0, queues: new Map() };
    flows.set(name, found);
    return found;
  };
  const tidy = (name: string, flow: Flow): void => {
    if (flow.waiting === 0) turns.delete(name);
    if (flow.waiting === 0 && flow.seats === 0) flows.delete(name);
  };
  const take = (name: string): (() => void) => {
    const flow = flowOf(name);
    flow.seats += 1;
    taken += 1;
    told?.dispatched.inc();
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      flow.seats -= 1;
      taken -= 1;
      tidy(name, flow);
      next();
    };
  };
  const next = (): void => {
    // Who is moved to the end while this runs comes again, until places or waiting ones are used up.
    for (const name of turns) {
      if (taken >= seats) return;
      const flow = flowOf(name);
      if (flow.seats >= seatsOfOne) continue;
      // To the end of the round, whoever else waits.
      turns.delete(name);
      turns.add(name);
      firstOf(flow)?.grant();
    }
  };
  const refused = (reason: string): HeddleError => {
    told?.rejected.inc({ reason });
    return new HeddleError('TooManyRequests', 'too many requests of this client are waiting; please try again later');
  };
  /** Refuses the last of the longest queue, or throws when the newcomer's own is as long. */
  const makeRoom = (client: Client, flow: Flow): void => {
    const isFull = flow.waiting >= queueOfOne;
    if (!isFull && waiting < queue) return;
    const longest = isFull ? flow : maxBy([...flows.values()], (other) => other.waiting);
    if (longest !== undefined && longest !== flow && longest.waiting > flow.waiting + 1) return lastOf(longest)?.giveUp(refused('queue-full'));
    const own = flow.queues.get(client.user)?.size ?? 0;
    const last = lastOf(flow);
    if (last === undefined || (flow.queues.get(last.client.user)?.size ?? 0) <= own + 1) throw refused('queue-full');
    last.giveUp(refused('queue-full'));
  };
  const wait = (client: Client, flow: Flow, signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        const own = flow.queues.get(client.user);
        own?.delete(waiter);
        if (own?.size === 0) flow.queues.delete(client.user);
        flow.waiting -= 1;
        waiting -= 1;
        told?.inQueue.set(waiting);
        clearTimeout(timer);
        signal.removeEventListener('abort', gone);
        if (flow.waiting === 0) turns.delete(client.name);
      };
      const giveUp = (error: HeddleError): void => {
        leave();
        tidy(client.name, flow);
        reject(error);
      };
      const gone = (): void => giveUp(new HeddleError('TooManyRequests', 'the client is gone'));
      const timer = setTimeout(() => giveUp(refused('time-out')), waitMilliseconds);
      timer.unref();
      const waiter: Waiter = {
        client,
        giveUp,
        grant: () => {
          leave();
          resolve(take(client.name));
        },
      };
      const own = flow.queues.get(client.user) ?? new Set();
      flow.queues.set(client.user, own.add(waiter));
      flow.waiting += 1;
      turns.add(client.name);
      waiting += 1;
      told?.inQueue.set(waiting);
      signal.addEventListener('abort', gone, { once: true });
    });

  return {
    get waiting() {
      return waiting;
    },
    async enter(client, signal) {
      const flow = flowOf(client.name);
      if (taken < seats && flow.seats < seatsOfOne && flow.waiting === 0) return take(client.name);
      try {
        makeRoom(client, flow);
      } catch (thrown) {
        tidy(client.name, flow);
        throw thrown;
      }
      return wait(client, flow, signal);
    },
  };
};

/** Of the user whose turn it is, who goes to the end of the round. */
const firstOf = ({ queues }: Flow): Waiter | undefined => {
  for (const [user, queue] of queues) {
    queues.delete(user);
    queues.set(user, queue);
    for (const waiter of queue) return waiter;
  }
  return undefined;
};

/** The latest of the user who has most waiting. */
const lastOf = ({ queues }: Flow): Waiter | undefined => [...(maxBy([...queues.values()], (queue) => queue.size) ?? [])].at(-1);

const maxBy = <Item>(items: readonly Item[], size: (item: Item) => number): Item | undefined =>
  items.reduce<Item | undefined>((most, item) => (most === undefined || size(item) > size(most) ? item : most), undefined);

/** Under the names of Kubernetes' flow control. */
const createMetrics = (metrics: Registry | undefined) => {
  if (metrics === undefined) return undefined;
  const registers = [metrics];
  return {
    dispatched: new Counter({ name: 'apiserver_flowcontrol_dispatched_requests_total', help: 'Requests whose turn came.', registers }),
    rejected: new Counter({ name: 'apiserver_flowcontrol_rejected_requests_total', help: 'Requests answered with 429.', labelNames: ['reason'], registers }),
    inQueue: new Gauge({ name: 'apiserver_flowcontrol_current_inqueue_requests', help: 'Requests that wait for their turn.', registers }),
  };
};
