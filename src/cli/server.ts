/**
 * `heddle server`: the control plane in one process. This is the only place that knows how store, API server, controller
 * and southbound service fit together.
 */
import { mkdirSync } from 'node:fs';
import { networkInterfaces, hostname } from 'node:os';
import { Registry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import { kinds } from '../api/kinds.ts';
import { planKind } from '../api/plankind.ts';
import { startApiServer, type Plans, type Views } from '../apiserver/server.ts';
import type { Controller } from '../control/controller.ts';
import { answerView } from '../control/views.ts';
import type { LeaderSeen } from '../control/leader/election.ts';
import { aloneTiming, timingOf } from '../control/leader/timing.ts';
import type { GoalState } from '../goal/state.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger, type Logger } from '../kit/log.ts';
import { openEntrance } from '../southbound/entrance.ts';
import { loadTokenSecret } from '../southbound/tokens.ts';
import { apiAccess, type AccessOptions } from './accessoptions.ts';
import type { Store } from '../store/store.ts';
import { checkClusterKeys, publishClusterKeys } from './clusterkeys.ts';
import { aborted, createMissing, levelOf, measureProcess } from './daemon.ts';
import { bracketed, hostAndPort, listening, namesOf, type Endpoint } from './endpoints.ts';
import type { ExitStatus, Io } from './io.ts';
import { foreseenCommands } from './questions/foreseen.ts';
import { leaseName, officeOnStore, startLeadership, type Leadership } from './leading.ts';
import { openStore, type StoreOptions } from './storeoption.ts';
import { tokenSecretFile } from './token.ts';
import { packageVersion } from './program.ts';

export interface ServerOptions extends StoreOptions, AccessOptions {
  /** Folder that everything lasting is kept in; made when absent. */
  readonly data: string;
  /** `host:port` of the API; port 0 takes a free one. */
  readonly listen?: string;
  /** `host:port` for agents. */
  readonly southbound?: string;
  /** `host:port` by which agents reach this server from elsewhere. Default: where it listens. */
  readonly advertiseSouthbound?: string;
  /** Whole seconds after which another server leads when the leader is gone; where there are several. Default 2. */
  readonly leaseSeconds?: number;
  /** False: the API alone, for a controller that runs elsewhere. Default true. */
  readonly controller?: boolean;
  /** A store that others of this process use too, in place of one that is opened; stays open. */
  readonly sharedStore?: Store;
}

export interface ControlPlane {
  /** `https://host:port`. */
  readonly url: string;
  readonly kubeconfigPath: string;
  /** `host:port` as agents dial it; empty without a controller. */
  readonly southbound: string;
  readonly client: ResourceClient;
  /** Throws `Unavailable` while another server leads. */
  readonly controller: Controller;
  /** Resolves when this server leads and has loaded everything; where it is alone that is so from the start. */
  readonly leads: Promise<void>;
  readonly metrics: Registry;
  /** See ApiServer.reopenLogs. */
  reopenLogs(): void;
  close(): Promise<void>;
}

/** Runs until the signal of `io` aborts. Standard output has one line a service, standard error the log. */
export const runServer = async (io: Io, options: ServerOptions & { readonly logLevel?: string }): Promise<ExitStatus> => {
  const log = createLogger({ name: 'server', level: levelOf(options.logLevel) });
  const plane = await openControlPlane(options, log);
  const reopen = (): void => plane.reopenLogs();
  process.on('SIGHUP', reopen);
  try {
    io.out(`API server   ${plane.url}   kubeconfig ${plane.kubeconfigPath}\n`);
    if (plane.southbound !== '') io.out(`southbound   ${plane.southbound}   for agents\n`);
    await aborted(io.signal);
  } finally {
    process.off('SIGHUP', reopen);
    await plane.close();
  }
  log.info('stopped; devices keep forwarding');
  return 0;
};

/**
 * Opens or makes the data folder and starts everything on it.
 * @throws HeddleError `Unavailable` when another server has the folder or an address is taken, `BadRequest` for an address
 * that is none
 * @param onGoal is shown the goal state before anything is in it, for those who measure
 */
export const openControlPlane = async (
  options: ServerOptions,
  log: Logger,
  onGoal: (goal: GoalState) => void = () => undefined,
): Promise<ControlPlane> => {
  const { data, listen = '127.0.0.1:6443', southbound = '127.0.0.1:7443' } = options;
  const [api, agents] = [hostAndPort('--listen', listen), hostAndPort('--southbound', southbound)];
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const opened: Closing[] = [];
  try {
    return await start({ options, data, api, agents, onGoal, access: apiAccess(options) }, log, opened);
  } catch (thrown) {
    await closeAll(opened);
    throw thrown;
  }
};

interface Plan {
  readonly access: ReturnType<typeof apiAccess>;
  readonly data: string;
  readonly api: Endpoint;
  readonly agents: Endpoint;
  readonly options: ServerOptions;
  readonly onGoal: (goal: GoalState) => void;
}

type Closing = () => Promise<void>;

const start = async ({ data, api, agents, options, access, onGoal }: Plan, log: Logger, opened: Closing[]): Promise<ControlPlane> => {
  const store = options.sharedStore ?? (await openStore(data, options, (message) => log.warn(message)));
  if (options.sharedStore === undefined) opened.push(() => store.close());
  const isShared = options.sharedStore !== undefined || options.store === 'etcd';
  if (isShared) await checkClusterKeys(store, data);
  const metrics = new Registry();
  measureProcess(metrics);
  const extraNames = namesOf(api.host);
  let leadership: Leadership | undefined;
  const controller = (): Controller => leadership?.controller() ?? refuse(leadership?.leader());
  const views: Views = ({ served, namespace, name, subresource }, query, { sees }) =>
    answerView(controller(), { kind: served.kind.kind, namespace, name, view: subresource }, query, sees);
  const plans: Plans = (planned, { sees }) => controller().plan(planned, { sees, commandsOf: foreseenCommands });
  // With several servers one controller does for all; which server answers does not matter.
  const isSynced = (): boolean => leadership?.controller() !== undefined || (isShared && leadership?.leader() !== undefined);
  const checks = options.controller === false ? [] : [{ name: 'controller', run: () => (isSynced() ? undefined : refuse(leadership?.leader())) }];
  const server = await listening('the API', '--listen', api, startApiServer({ ...access, store, isShared, kinds: [...kinds, planKind], dataDir: data, listen: api, extraNames, log, metrics, views, plans, checks }));
  opened.push(() => server.close());
  await createMissing(server.client);

  const shown = { url: server.url, kubeconfigPath: server.kubeconfigPath, client: server.client, metrics, reopenLogs: () => server.reopenLogs(), close: () => closeAll(opened) };
  if (options.controller === false) {
    const leads = Promise.reject(new HeddleError('Unavailable', 'this server runs no controller'));
    leads.catch(() => undefined);
    return { ...shown, southbound: '', leads, get controller() { return controller(); } };
  }
  const tls = await server.ca.keptServer('southbound', ['localhost', '127.0.0.1', '::1', ...namesOf(agents.host), ...advertisedName(options)]);
  const tokenSecret = loadTokenSecret(tokenSecretFile(data));
  if (isShared) await publishClusterKeys(store, data);
  const address = `${bracketed(agents.host)}:${agents.port}`;
  const entrance = await openEntrance({ listen: [address], tls, tokenSecret, log });
  opened.push(() => entrance.close());
  const taken = entrance.addresses[0] ?? address;
  const southbound = options.advertiseSouthbound ?? reachable(taken);
  const { leaseSeconds = 2 } = options;
  leadership = startLeadership({
    client: server.client,
    takeOffice: officeOnStore(store, server, isShared),
    isShared,
    follows: isShared,
    lease: leaseName,
    timing: isShared ? timingOf(leaseSeconds) : aloneTiming,
    entrance,
    southbound,
    tokenSecret,
    serverVersion: packageVersion(),
    metrics,
    log,
    onGoal,
  });
  const { first, stop } = { first: leadership.first, stop: leadership.stop.bind(leadership) };
  // Closed first: it is the one that writes.
  opened.push(stop);
  if (!isShared) await first;
  return {
    ...shown,
    southbound: taken,
    get controller() {
      return controller();
    },
    leads: first,
  };};

const refuse = (leader: LeaderSeen | undefined): never => {
  const why = leader === undefined ? 'no server leads yet' : `"${leader.identity}" leads: ask that server (Lease heddle-controller in kube-system)`;
  throw new HeddleError('Unavailable', `this is known by the server that leads; ${why}`);
};

/** Other machines cannot dial "every address": the first one that is not this machine's alone. */
const reachable = (address: string): string => {
  const { host, port } = hostAndPort('--southbound', address);
  if (host !== '0.0.0.0' && host !== '::') return address;
  const found = Object.values(networkInterfaces()).flatMap((all) => all ?? []).find(({ internal, family }) => !internal && family === 'IPv4');
  return `${found?.address ?? hostname()}:${port}`;
};

const advertisedName = ({ advertiseSouthbound }: ServerOptions): readonly string[] =>
  advertiseSouthbound === undefined ? [] : [hostAndPort('--advertise-southbound', advertiseSouthbound).host];

/** Last opened, first closed. */
const closeAll = async (opened: Closing[]): Promise<void> => {
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
};
