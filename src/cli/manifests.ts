/** `heddle manifests`: what a Kubernetes cluster needs to run Heddle on it, as YAML for kubectl. Made without asking anybody. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { yamlText } from '../kit/yaml.ts';
import { join } from 'node:path';
import { customResourceDefinitions } from '../api/crd.ts';
import type { ExitStatus, Io } from './io.ts';
import { appLabels, type ManifestOptions } from './manifests/names.ts';
import { rbacManifests } from './manifests/rbac.ts';
import { workloadManifests } from './manifests/workload.ts';

export interface ManifestsOptions {
  readonly namespace: string;
  readonly image: string;
  readonly southboundName: readonly string[];
  /** A folder that gets one file a part, in place of standard output. */
  readonly output?: string;
}

/** By file, in the order in which they are applied. */
export const manifestFiles = (options: ManifestOptions): ReadonlyMap<string, readonly object[]> =>
  new Map([
    ['10-definitions.yaml', customResourceDefinitions()],
    ['20-namespace.yaml', [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: options.namespace, labels: namespaceLabels } }]],
    ['30-access.yaml', rbacManifests(options)],
    ['40-controller.yaml', workloadManifests(options)],
  ]);

const namespaceLabels = { 'app.kubernetes.io/name': appLabels['app.kubernetes.io/name'], 'pod-security.kubernetes.io/enforce': 'restricted' };

export const printManifests = async (io: Io, { namespace, image, southboundName, output }: ManifestsOptions): Promise<ExitStatus> => {
  const files = manifestFiles({ namespace, image, southboundNames: southboundName });
  if (output === undefined) {
    io.out(yamlOf([...files.values()].flat()));
    return 0;
  }
  mkdirSync(output, { recursive: true });
  for (const [name, objects] of files) writeFileSync(join(output, name), yamlOf(objects));
  io.note(`${files.size} files in ${output}: kubectl apply -f ${output}\n`);
  return 0;
};

const yamlOf = (objects: readonly object[]): string =>
  objects.map((object) => yamlText(object)).join('---\n');
