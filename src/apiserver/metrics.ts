/** Request metrics, under the names that dashboards of Kubernetes API servers know. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface RequestLabels {
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
}

export interface RequestMetrics {
  /** A request began; the answer must be called once, with its status, when it has ended. */
  begin(labels: RequestLabels): (status: number) => void;
}

export const createRequestMetrics = (registry: Registry): RequestMetrics => {
  const registers = [registry];
  const names = ['verb', 'group', 'version', 'resource', 'subresource'] as const;
  const total = new Counter({ name: 'apiserver_request_total', help: 'Requests by verb, resource and status code.', labelNames: [...names, 'code'], registers });
  const duration = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Time to answer, watches left out.',
    labelNames: ['verb', 'group', 'version', 'resource'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const inflight = new Gauge({ name: 'apiserver_current_inflight_requests', help: 'Requests being answered, watches left out.', labelNames: ['request_kind'], registers });
  const long = new Gauge({ name: 'apiserver_longrunning_requests', help: 'Watches that are open.', labelNames: ['verb', 'group', 'version', 'resource'], registers });
  return {
    begin({ subresource, ...labels }) {
      const started = performance.now();
      const isWatch = labels.verb === 'watch';
      const requestKind = { request_kind: ['get', 'list'].includes(labels.verb) ? 'readOnly' : 'mutating' };
      if (isWatch) long.inc({ ...labels });
      else inflight.inc(requestKind);
      return (status) => {
        total.inc({ ...labels, subresource, code: String(status) });
        if (isWatch) long.dec({ ...labels });
        else {
          inflight.dec(requestKind);
          duration.observe({ ...labels }, (performance.now() - started) / 1000);
        }
      };
    },
  };
};
