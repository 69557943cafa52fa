/** The resource API as the lab wants it, over the same client that the verbs use. */
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import type { Connect, LabApi } from '../lab/api.ts';
import { applyObject, formatRefusal } from './apply.ts';
import { createApiClient, type ApiClient } from './client.ts';
import { apiVersionOf, discover, findType, pathOf, type ResourceType } from './discovery.ts';
import type { Io } from './io.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { itemsOf } from './live.ts';
import { targetsOf } from './objects.ts';
import type { Session } from './session.ts';

/** For a lab that is built or checked from `io`. */
export const labConnect =
  (io: Io): Connect =>
  (kubeconfig) =>
    labApi(io, createApiClient(readKubeconfig(kubeconfig)));

const labApi = (io: Io, client: ApiClient): LabApi => {
  let found: Promise<ResourceType[]> | undefined;
  const types = (): Promise<ResourceType[]> => (found ??= discover(client));
  const session: Session = { io, client, namespace: client.access.namespace, types };
  return {
    ready: () => isReady(client),
    list: async (kind) => {
      const type = findType(await types(), kind);
      const { body } = await client.call({ path: pathOf(type, '') });
      return itemsOf(body, type, apiVersionOf(type));
    },
    apply: (objects) => applyAll(session, objects),
    close: () => client.close(),
  };
};

const isReady = async (client: ApiClient): Promise<boolean> => {
  try {
    await client.call({ path: '/readyz' });
    return true;
  } catch (error) {
    if (error instanceof HeddleError && error.code === 'Unavailable') return false;
    throw error;
  }
};

/** Sends all, then fails with every refusal. */
const applyAll = async (session: Session, objects: readonly Resource[]): Promise<void> => {
  const refusals: { readonly text: string; readonly error: HeddleError }[] = [];
  for (const target of targetsOf(session, await session.types(), objects)) {
    try {
      await applyObject(session, target);
    } catch (thrown) {
      const error = HeddleError.from(thrown);
      refusals.push({ text: formatRefusal(target.label, error).trimEnd(), error });
    }
  }
  if (refusals.length === 0) return;
  throw new HeddleError('Invalid', refusals.map(({ text }) => text).join('\n'), {
    findings: refusals.flatMap(({ error }) => error.findings),
  });
};

