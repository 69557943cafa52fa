/**
 * `heddle controller`: controller and goal-state service against any Kubernetes API that has our kinds. It is the controller of
 * `heddle server`, told to judge what it hears, on a client over HTTPS.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import { eventKind } from '../api/core/event.ts';
import { leaseKind } from '../api/core/lease.ts';
import { secretKind } from '../api/core/secret.ts';
import { kinds } from '../api/kinds.ts';
import { refOf } from '../api/object.ts';
import { openCertificateAuthority } from '../apiserver/pki/authority.ts';
import { createApiClient } from '../client/http.ts';
import { findKubeconfig, inClusterAccess, readKubeconfig, type Access } from '../client/kubeconfig.ts';
import { createResourceClient } from '../client/resources.ts';
import type { Controller } from '../control/controller.ts';
import { timingOf } from '../control/leader/timing.ts';
import { HeddleError } from '../kit/error.ts';
import { createLogger, type Logger } from '../kit/log.ts';
import { openEntrance } from '../southbound/entrance.ts';
import { loadTokenSecret } from '../southbound/tokens.ts';
import { serveHealth, serveViews } from './cluster/endpoint.ts';
import { shareKeys, type SecretName } from './cluster/keys.ts';
import { aborted, createMissing, levelOf, measureProcess } from './daemon.ts';
import { bracketed, hostAndPort, namesOf } from './endpoints.ts';
import type { ExitStatus, Io } from './io.ts';
import { startLeadership, type Leadership, type TakeOffice } from './leading.ts';
import { packageVersion } from './program.ts';
import { tokenSecretFile } from './token.ts';

export interface ControllerOptions {
  readonly access: Access;
  /** Folder of its certificate authority and token secret; made when absent. */
  readonly data: string;
  /** `host:port` for agents; port 0 takes a free one. */
  readonly southbound: string;
  /** Names and addresses beside that one by which agents reach it. */
  readonly southboundName: readonly string[];
  /** `host:port` where other replicas send agents while this one leads. */
  readonly advertiseSouthbound?: string;
  readonly health: string;
  readonly views: string;
  readonly lease: string;
  readonly leaseSeconds: string;
  readonly secret?: string;
}

export type ControllerVerbOptions = Omit<ControllerOptions, 'access'> & { readonly kubeconfig?: string; readonly logLevel?: string };

export interface ClusterController {
  /** `host:port` as agents dial it. */
  readonly southbound: string;
  /** `http://host:port`. */
  readonly health: string;
  readonly views: string;
  /** Resolves when this replica leads and has loaded everything. */
  readonly leads: Promise<void>;
  close(): Promise<void>;
}

/** Runs until the signal of `io` aborts. Standard output has one line a service, standard error the log. */
export const runController = async (io: Io, options: ControllerVerbOptions): Promise<ExitStatus> => {
  const log = createLogger({ name: 'controller', level: levelOf(options.logLevel) });
  const access = accessOf(io, options.kubeconfig);
  const running = await openController({ ...options, access }, log);
  running.leads.catch(() => undefined);
  try {
    io.out(`API server   ${access.server}   by ${access.file}\n`);
    io.out(`southbound   ${running.southbound}   for agents\n`);
    io.out(`health       ${running.health}   metrics and probes\n`);
    io.out(`views        ${running.views}   for heddle explain --controller\n`);
    await aborted(io.signal);
  } finally {
    await running.close();
  }
  log.info('stopped; devices keep forwarding');
  return 0;
};

/** In a pod that of its ServiceAccount, unless a file is named. */
const accessOf = ({ env }: Io, kubeconfig: string | undefined): Access => {
  const isNamed = kubeconfig !== undefined || (env['HEDDLE_KUBECONFIG'] ?? env['KUBECONFIG'] ?? '') !== '';
  const pod = isNamed ? undefined : inClusterAccess(env);
  return pod ?? readKubeconfig(findKubeconfig({ flag: kubeconfig, env, running: [] }));
};

/**
 * Listens for agents when it resolves, and leads as soon as it may.
 * @throws HeddleError `Unavailable` when an address is taken or keys differ, `BadRequest` for an option that is none
 */
export const openController = async (options: ControllerOptions, log: Logger): Promise<ClusterController> => {
  const opened: (() => void | Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (let next = opened.pop(); next !== undefined; next = opened.pop()) await next();
  };
  try {
    return { ...(await start(options, log, opened)), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};

/** What it asks for beside our kinds. */
const others = [eventKind, leaseKind, secretKind];

const start = async (options: ControllerOptions, log: Logger, opened: (() => void | Promise<void>)[]): Promise<Omit<ClusterController, 'close'>> => {
  const { data } = options;
  const [agents, health, views] = [hostAndPort('--southbound', options.southbound), hostAndPort('--health', options.health), hostAndPort('--views', options.views)];
  const lease = namespaced('--lease', options.lease);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const api = createApiClient(options.access, { timeoutMilliseconds: 30_000, silenceMilliseconds: 150_000, mostSockets: 64, retries: 10 });
  opened.push(() => api.close());
  const client = createResourceClient(api, [...kinds, ...others]);
  const metrics = new Registry();
  measureProcess(metrics);
  let leadership: Leadership | undefined;
  const endpoint = await serveHealth(health, { metrics, fault: () => faultOf(leadership) });
  opened.push(() => endpoint.close());
  const viewing = await serveViews(views, () => leadership?.controller() ?? refuse(leadership));
  opened.push(() => viewing.close());

  if (options.secret !== undefined) await shareKeys(client, namespaced('--secret', options.secret), data);
  const authority = await openCertificateAuthority(join(data, 'pki'));
  const tls = await authority.keptServer('southbound', ['localhost', '127.0.0.1', '::1', ...namesOf(agents.host), ...options.southboundName]);
  const tokenSecret = loadTokenSecret(tokenSecretFile(data));
  const address = `${bracketed(agents.host)}:${agents.port}`;
  const entrance = await openEntrance({ listen: [address], tls, tokenSecret, log });
  opened.push(() => entrance.close());
  leadership = startLeadership({
    client: byPatch(client),
    takeOffice: officeOnCluster(client),
    isShared: true,
    lease,
    timing: timingOf(wholeSeconds(options.leaseSeconds)),
    entrance,
    southbound: options.advertiseSouthbound,
    vets: true,
    tokenSecret,
    serverVersion: packageVersion(),
    metrics,
    log,
    onGoal: () => undefined,
  });
  const { first } = leadership;
  // Closed first: it is the one that writes.
  opened.push(leadership.stop.bind(leadership));
  return { southbound: entrance.addresses[0] ?? address, health: endpoint.url, views: viewing.url, leads: first };
};

/** The Lease has the term: whoever takes it writes a greater one in the same write. */
const officeOnCluster = (client: ResourceClient): TakeOffice => async ({ term }) => {
  await createMissing(client);
  return { client, term };
};

/** An election that needs no right to replace whole objects. The patch names the version, so that it is refused like an update. */
const byPatch = (client: ResourceClient): ResourceClient => ({
  list: (kind) => client.list(kind),
  watch: (kind, from, signal) => client.watch(kind, from, signal),
  get: (ref) => client.get(ref),
  create: (object) => client.create(object),
  update: (object) => client.patch(refOf(object), object),
  patch: (ref, patch) => client.patch(ref, patch),
  patchStatus: (ref, status, uid) => client.patchStatus(ref, status, uid),
  delete: (ref) => client.delete(ref),
});

const refuse = (leadership: Leadership | undefined): Controller => {
  const leader = leadership?.leader();
  const why = leader === undefined ? 'no replica leads yet' : `"${leader.identity}" leads: ask that replica`;
  throw new HeddleError('Unavailable', `this is known by the replica that leads; ${why}`);
};

/** One that only waits is ready too: it knows who leads, and takes over. */
const faultOf = (leadership: Leadership | undefined): string | undefined =>
  leadership?.controller() === undefined && leadership?.leader() === undefined ? 'nobody leads as far as this replica knows' : undefined;

const namespaced = (option: string, text: string): SecretName => {
  const [namespace = '', name = '', ...rest] = text.split('/');
  if (namespace !== '' && name !== '' && rest.length === 0) return { namespace, name };
  throw new HeddleError('BadRequest', `${option} "${text}" is not namespace/name`);
};

const wholeSeconds = (text: string): number => {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new HeddleError('BadRequest', `--lease-seconds "${text}" is not a whole number of seconds from 1 to 9999`);
};
