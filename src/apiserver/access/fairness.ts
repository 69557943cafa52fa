/**
 * Fair shares of the server. So many requests are carried out at once; what comes beyond waits in a queue of its user, and a
 * place that becomes free goes to the users in turn: one who floods waits behind himself. A queue that is full, and a wait
 * that is too long, is answered with 429.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import { HeddleError } from '../../kit/error.ts';

export interface FairnessOptions {
  /** Requests carried out at once. */
  readonly seats?: number;
  /** Of these by one user, while others could come: slow uploads of one must not take them all. */
  readonly seatsOfOne?: number;
  /** Requests of one user that may wait. */
  readonly queueOfOne?: number;
  /** Requests that may wait together. */
  readonly queue?: number;
  readonly waitMilliseconds?: number;
  readonly metrics?: Registry;
}

export interface Fairness {
  /**
   * Resolves when it is this user's turn, with the function to call when the request has ended. Throws `TooManyRequests`.
   * When the signal aborts, the client is gone: the place in the queue is given up, and the answer is thrown away.
   */
  enter(user: string, signal: AbortSignal): Promise<() => void>;
  readonly waiting: number;
}

interface Waiter {
  readonly user: string;
  grant(): void;
}

interface Flow {
  seats: number;
  readonly queue: Set<Waiter>;
}

export const createFairness = (options: FairnessOptions = {}): Fairness => {
  const { seats = 128, seatsOfOne = 64, queueOfOne = 256, queue = 4096, waitMilliseconds = 15_000 } = options;
  const told = createMetrics(options.metrics);
  const flows = new Map<string, Flow>();
  /** Users with a queue, the one whose turn is next first. */
  const turns = new Set<string>();
  let [taken, waiting] = [0, 0];

  const flowOf = (user: string): Flow => {
    const found = flows.get(user) ?? { seats: 0, queue: new Set() };
    flows.set(user, found);
    return found;
  };
  const tidy = (user: string, flow: Flow): void => {
    if (flow.queue.size === 0) turns.delete(user);
    if (flow.queue.size === 0 && flow.seats === 0) flows.delete(user);
  };
  const take = (user: string): (() => void) => {
    const flow = flowOf(user);
    flow.seats += 1;
    taken += 1;
    told?.dispatched.inc();
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      flow.seats -= 1;
      taken -= 1;
      tidy(user, flow);
      next();
    };
  };
  const next = (): void => {
    // Who is moved to the end while this runs comes again, until places or waiting ones are used up.
    for (const user of turns) {
      if (taken >= seats) return;
      const flow = flowOf(user);
      if (flow.seats >= seatsOfOne) continue;
      // To the end of the round, whoever else waits.
      turns.delete(user);
      turns.add(user);
      const [first] = flow.queue;
      first?.grant();
    }
  };
  const refused = (reason: string): HeddleError => {
    told?.rejected.inc({ reason });
    return new HeddleError('TooManyRequests', 'too many requests of this user are waiting; please try again later');
  };
  const wait = (user: string, flow: Flow, signal: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        flow.queue.delete(waiter);
        waiting -= 1;
        told?.inQueue.set(waiting);
        clearTimeout(timer);
        signal.removeEventListener('abort', gone);
        if (flow.queue.size === 0) turns.delete(user);
      };
      const giveUp = (error: HeddleError): void => {
        leave();
        tidy(user, flow);
        reject(error);
      };
      const gone = (): void => giveUp(new HeddleError('TooManyRequests', 'the client is gone'));
      const timer = setTimeout(() => giveUp(refused('time-out')), waitMilliseconds);
      const waiter: Waiter = {
        user,
        grant: () => {
          leave();
          resolve(take(user));
        },
      };
      flow.queue.add(waiter);
      turns.add(user);
      waiting += 1;
      told?.inQueue.set(waiting);
      signal.addEventListener('abort', gone, { once: true });
    });

  return {
    get waiting() {
      return waiting;
    },
    async enter(user, signal) {
      const flow = flowOf(user);
      if (taken < seats && flow.seats < seatsOfOne && flow.queue.size === 0) return take(user);
      if (flow.queue.size >= queueOfOne || waiting >= queue) throw refused('queue-full');
      return wait(user, flow, signal);
    },
  };
};

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
