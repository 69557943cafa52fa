/** Request metrics, under the names and labels that dashboards of Kubernetes API servers know. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { HeddleError } from '../kit/error.ts';
import type { Store } from '../store/store.ts';
import type { Scheme } from './scheme.ts';

export interface RequestLabels {
  /** As authorisation knows it, such as `deletecollection`. */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  /** What the path names: one object, a namespace, all, or no resource. */
  readonly scope: 'resource' | 'namespace' | 'cluster' | '';
  readonly isDryRun: boolean;
  readonly isApply: boolean;
}

export interface RequestMetrics {
  /** A request began; the answer must be called once, with its status, when it has ended. */
  begin(labels: RequestLabels): (status: number) => void;
  /** Events were sent to a watcher. */
  watchEvents(group: string, version: string, kind: string, count: number): void;
}

/** Dashboards know most verbs by the method. */
const verbs: { readonly [verb: string]: string } = { create: 'POST', update: 'PUT' };
const reading: ReadonlySet<string> = new Set(['get', 'list', 'head']);

const resourceLabels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;

export const createRequestMetrics = (registry: Registry): RequestMetrics => {
  const registers = [registry];
  const total = new Counter({ name: 'apiserver_request_total', help: 'Requests by verb, resource and status code.', labelNames: [...resourceLabels, 'dry_run', 'code'], registers });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time to answer, watches left out.',
    labelNames: [...resourceLabels, 'dry_run'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const sli = new Histogram({
    name: 'apiserver_request_sli_duration_seconds',
    help: 'The same with the bounds that service levels of Kubernetes are stated in.',
    labelNames: resourceLabels,
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 5, 10, 30, 60],
    registers,
  });
  const inflight = new Gauge({ name: 'apiserver_current_inflight_requests', help: 'Requests being answered, watches left out.', labelNames: ['request_kind'], registers });
  const long = new Gauge({ name: 'apiserver_longrunning_requests', help: 'Watches that are open.', labelNames: resourceLabels, registers });
  const events = new Counter({ name: 'apiserver_watch_events_total', help: 'Events sent to watchers.', labelNames: ['group', 'version', 'kind'], registers });
  return {
    begin({ isDryRun, isApply, ...asked }) {
      const started = performance.now();
      const isWatch = asked.verb === 'watch';
      const verb = isApply ? 'APPLY' : (verbs[asked.verb] ?? asked.verb.toUpperCase());
      const labels = { ...asked, verb, component: 'apiserver' };
      const dryRun = { dry_run: isDryRun ? 'All' : '' };
      const requestKind = { request_kind: reading.has(asked.verb) ? 'readOnly' : 'mutating' };
      if (isWatch) long.inc(labels);
      else inflight.inc(requestKind);
      return (status) => {
        total.inc({ ...labels, ...dryRun, code: String(status) });
        if (isWatch) long.dec(labels);
        else {
          inflight.dec(requestKind);
          const seconds = (performance.now() - started) / 1000;
          duration.observe({ ...labels, ...dryRun }, seconds);
          if (!isDryRun) sli.observe(labels, seconds);
        }
      };
    },
    watchEvents: (group, version, kind, count) => events.inc({ group, version, kind }, count),
  };
};

/** How many objects there are, counted when somebody asks; a kind that could not be counted shows -1, as in Kubernetes. */
export const measureStorage = (registry: Registry, store: Store, scheme: Scheme): void => {
  const gauge: Gauge = new Gauge({
    name: 'apiserver_storage_objects',
    help: 'Stored objects by resource.',
    labelNames: ['resource'],
    registers: [registry],
    collect: async () => {
      for (const served of scheme.stored) gauge.set({ resource: served.resource }, await countOf(store, served.key('', '')));
    },
  });
};

const countOf = async (store: Store, prefix: string): Promise<number> => {
  try {
    const { entries, remaining = 0 } = await store.list(prefix, { limit: 1 });
    return entries.length + remaining;
  } catch (thrown) {
    if (HeddleError.from(thrown).code === 'Internal') throw thrown;
    return -1;
  }
};
