/** What every verb that talks to the server shares: who to talk to, which namespace, which types there are. */
import { labNames, findManifest } from '../lab/manifest.ts';
import { createApiClient, type ApiClient } from '../client/http.ts';
import { discover, type ResourceType } from '../client/discovery.ts';
import type { Io } from './io.ts';
import { findKubeconfig, readKubeconfig } from '../client/kubeconfig.ts';

/** Options that all verbs take. */
export interface GlobalOptions {
  readonly kubeconfig?: string;
  readonly namespace?: string;
}

export interface Session {
  readonly io: Io;
  readonly client: ApiClient;
  /** Of -n, else of the kubeconfig's context. */
  readonly namespace: string;
  /** Asked once. */
  readonly types: () => Promise<ResourceType[]>;
}

/** Runs `work` with an open session and closes its connections afterwards. */
export const withSession = async <Result>(
  io: Io,
  options: GlobalOptions,
  work: (session: Session) => Promise<Result>,
): Promise<Result> => {
  const file = findKubeconfig({ flag: options.kubeconfig, env: io.env, running: runningKubeconfigs() });
  const client = createApiClient(readKubeconfig(file), { interrupt: io.signal });
  let types: Promise<ResourceType[]> | undefined;
  try {
    return await work({
      io,
      client,
      namespace: options.namespace ?? client.access.namespace,
      types: () => (types ??= discover(client)),
    });
  } finally {
    client.close();
  }
};

/** Kubeconfigs of the labs that are up on this machine. */
export const runningKubeconfigs = (): string[] =>
  labNames().flatMap((name) => findManifest(name)?.controlPlane.kubeconfig ?? []);
