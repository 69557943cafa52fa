/** The API server put together: store, kinds, certificates, listener. This is what `heddle server` starts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry as MetricsRegistry } from 'prom-client';
import type { ResourceClient } from '../api/client.ts';
import { coreKinds } from '../api/core/index.ts';
import type { Kind } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { objectOr, optional } from '../kit/json.ts';
import type { Store } from '../store/store.ts';
import { openAccess } from './access/access.ts';
import { openAuditLog, type AuditRotation } from './access/audit.ts';
import { createFairness, type FairnessOptions } from './access/fairness.ts';
import { impersonated } from './access/impersonation.ts';
import type { OidcOptions } from './access/oidc.ts';
import { createInProcessClient } from './registry/client.ts';
import type { ConnectionLimits } from './connections.ts';
import { publishDefinitions } from './definitions.ts';
import { createDispatch, type Views } from './dispatch.ts';
import type { Plans } from './plans.ts';
import { writeDurably } from './pki/durable.ts';
import { kubeconfig } from './pki/kubeconfig.ts';
import { startGarbageCollection } from './garbage/collector.ts';
import { createWorkQueueMetrics } from './garbage/workqueue.ts';
import { createHealth, watchedStore, type HealthCheck } from './health.ts';
import { createListener, type Log } from './listener.ts';
import { startMaintenance } from './maintenance.ts';
import { createRequestMetrics, measureStorage } from './metrics.ts';
import { runNamespaceLifecycle } from './registry/namespaces.ts';
import { openCertificateAuthority, type CertificateAuthority } from './pki/authority.ts';
import { createRegistry, type Registry } from './registry/registry.ts';
import { createScheme } from './scheme.ts';

export interface ApiServerOptions {
  readonly store: Store;
  /** Other servers write to the same store. Default: none. */
  readonly isShared?: boolean;
  /** Kinds to serve beside the core ones. */
  readonly kinds: readonly Kind[];
  /** Holds `pki/` and `kubeconfig`; made when absent. */
  readonly dataDir: string;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Names and addresses beside localhost, 127.0.0.1 and ::1 that clients reach the server by. */
  readonly extraNames?: readonly string[];
  readonly log: Log;
  /** Where metrics are registered; what else is in it is served on `/metrics` too. */
  readonly metrics?: MetricsRegistry;
  /** Static bearer tokens, see readTokenFile. */
  readonly tokenFile?: string;
  readonly oidc?: OidcOptions;
  /** File that gets one line a request; default: none. */
  readonly auditLog?: string;
  readonly auditRotation?: AuditRotation;
  readonly fairness?: FairnessOptions;
  /** Of connections; those that are not the default ones. */
  readonly limits?: Partial<ConnectionLimits>;
  /** Default: there are none. */
  readonly views?: Views;
  /** Default: there are none. */
  readonly plans?: Plans;
  /** What readiness needs beside the store. */
  readonly checks?: readonly HealthCheck[];
}

export type { Plans, Views };

export interface ApiServer {
  /** `https://HOST:PORT`. */
  readonly url: string;
  readonly kubeconfigPath: string;
  readonly registry: Registry;
  readonly client: ResourceClient;
  readonly ca: CertificateAuthority;
  readonly metrics: MetricsRegistry;
  /** Goes on with new files of the same names, after log rotation has moved the old ones away. */
  reopenLogs(): void;
  /** Ends watches, then connections; the store stays open. */
  close(): Promise<void>;
}

const noViews = (): never => {
  throw new HeddleError('Unavailable', 'this server runs no controller, which is what knows that');
};

const localNames = ['localhost', '127.0.0.1', '::1'];

const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::' || host === '';

/** Listens when it resolves. Throws when the address is taken, the data directory cannot be written, or a file is broken. */
export const startApiServer = async (options: ApiServerOptions): Promise<ApiServer> => {
  const { log, dataDir } = options;
  const { store, check } = watchedStore(options.store);
  const { host, port } = options.listen;
  const scheme = createScheme([...coreKinds, ...options.kinds]);
  const registry = createRegistry(store, scheme, () => new Date(), optional('isShared', options.isShared));
  const metrics = options.metrics ?? new MetricsRegistry();
  const ca = await openCertificateAuthority(join(dataDir, 'pki'));
  const names = [...new Set([...localNames, ...(isAny(host) ? [] : [host]), ...(options.extraNames ?? [])])];
  const credentials = await ca.keptServer('server', names);
  let address = host;
  const failed = (error: Error): void => log.error({ error: error.message }, 'background work failed');
  const audit = options.auditLog === undefined ? undefined : await openAuditLog({ path: options.auditLog, metrics, log, ...optional('rotation', options.auditRotation) });
  const access = await openAccess({ registry, dataDir, onError: failed, ...optional('tokenFile', options.tokenFile), ...optional('oidc', options.oidc) });
  const health = createHealth({
    checks: [check, ...(options.checks ?? [])],
    onFailure: (name, error) => log.error({ check: name, error: error.message }, 'not healthy'),
  });
  measureStorage(metrics, store, scheme);
  const listener = createListener({
    scheme,
    identify: async (request, path, asked) => {
      const user = await access.authenticator.userOf(request);
      asked(user);
      return impersonated(request, user, path, access.authorize) ?? user;
    },
    dispatch: createDispatch({ registry, access, metrics, version: await packageVersion(), address: () => address, views: options.views ?? noViews, plans: options.plans ?? noViews, health }),
    fairness: createFairness({ ...options.fairness, metrics }),
    ...optional('audit', audit),
    metrics: createRequestMetrics(metrics),
    log,
    credentials,
    clientAuthority: ca.certificate,
    ...optional('limits', options.limits),
  });
  await publishDefinitions(registry);
  const namespaces = await runNamespaceLifecycle(registry, failed);
  const maintenance = startMaintenance(store, registry, failed);
  const garbage = startGarbageCollection({ store, registry, onError: failed, metrics: createWorkQueueMetrics(metrics, 'garbage_collector') });
  const close = async (): Promise<void> => {
    maintenance.close();
    await Promise.all([listener.close(), namespaces.close(), garbage.close()]);
    access.close();
    await audit?.close();
  };
  try {
    const taken = await listener.listen(host, port);
    address = `${reachable(host)}:${taken}`;
    const kubeconfigPath = join(dataDir, 'kubeconfig');
    await writeKubeconfig(kubeconfigPath, `https://${address}`, ca);
    log.info({ url: `https://${address}`, kubeconfig: kubeconfigPath }, 'API server is listening');
    return { url: `https://${address}`, kubeconfigPath, registry, client: createInProcessClient(registry), ca, metrics, reopenLogs: () => audit?.reopen(), close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
};

/** A host as URLs write it; one that means "all addresses" is reached by the loopback address. */
const reachable = (host: string): string => {
  if (isAny(host)) return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
};

const writeKubeconfig = async (path: string, url: string, ca: CertificateAuthority): Promise<void> => {
  const admin = await ca.keptClient('admin', { commonName: 'admin', organizations: ['system:masters'] });
  await writeDurably(path, kubeconfig(url, ca.certificate, admin), 0o600);
};

const packageVersion = async (): Promise<string> => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return String(objectOr(JSON.parse(text))['version'] ?? 'unknown');
};
