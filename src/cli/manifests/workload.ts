/** The controller as a Deployment: one replica leads, the other is ready to. Devices reach whichever leads by a Service. */
import { appLabels, controllerName, healthPort, leaseName, secretName, serviceName, southboundPort, type ManifestOptions } from './names.ts';

const dataFolder = '/var/lib/heddle';

/** The `restricted` level of the Pod Security Standards. */
const podSecurity = { runAsNonRoot: true, runAsUser: 65_532, runAsGroup: 65_532, fsGroup: 65_532, seccompProfile: { type: 'RuntimeDefault' } };
const containerSecurity = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

const probe = (path: string, periodSeconds: number) => ({ httpGet: { path, port: 'health' }, periodSeconds, timeoutSeconds: 5 });

const argsOf = ({ namespace, southboundNames }: ManifestOptions): readonly string[] => [
  'controller',
  '--data',
  dataFolder,
  '--southbound',
  `0.0.0.0:${southboundPort}`,
  ...[`${serviceName}.${namespace}.svc`, ...southboundNames].flatMap((name) => ['--southbound-name', name]),
  '--health',
  `0.0.0.0:${healthPort}`,
  '--lease',
  `${namespace}/${leaseName}`,
  '--secret',
  `${namespace}/${secretName}`,
];

const container = (options: ManifestOptions) => ({
  name: 'controller',
  image: options.image,
  args: argsOf(options),
  ports: [
    { name: 'southbound', containerPort: southboundPort },
    { name: 'health', containerPort: healthPort },
  ],
  livenessProbe: { ...probe('/livez', 10), failureThreshold: 6 },
  readinessProbe: probe('/readyz', 5),
  resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '2Gi' } },
  securityContext: containerSecurity,
  volumeMounts: [
    { name: 'data', mountPath: dataFolder },
    { name: 'tmp', mountPath: '/tmp' },
  ],
});

/** Not both replicas on one node, where there are two. */
const apart = {
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, podAffinityTerm: { labelSelector: { matchLabels: appLabels }, topologyKey: 'kubernetes.io/hostname' } },
    ],
  },
};

const deployment = (options: ManifestOptions) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: controllerName, namespace: options.namespace, labels: appLabels },
  spec: {
    replicas: 2,
    selector: { matchLabels: appLabels },
    template: {
      metadata: { labels: appLabels },
      spec: {
        serviceAccountName: controllerName,
        securityContext: podSecurity,
        affinity: apart,
        containers: [container(options)],
        // Keys come from the Secret at every start; nothing here has to outlive the pod.
        volumes: [{ name: 'data', emptyDir: {} }, { name: 'tmp', emptyDir: {} }],
      },
    },
  },
});

/** Devices are outside of the cluster. */
const service = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: serviceName, namespace, labels: appLabels },
  spec: { type: 'LoadBalancer', selector: appLabels, ports: [{ name: 'southbound', port: southboundPort, targetPort: 'southbound' }] },
});

const budget = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: controllerName, namespace, labels: appLabels },
  spec: { maxUnavailable: 1, selector: { matchLabels: appLabels } },
});

export const workloadManifests = (options: ManifestOptions): readonly object[] => [deployment(options), service(options), budget(options)];
