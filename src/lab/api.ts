/** What the lab asks of the resource API, over the client that the command line uses. */
import { kindByName } from '../api/kinds.ts';
import type { Kind, Resource } from '../api/object.ts';
import { applyPatch, withLastApplied } from '../client/lastapplied.ts';
import { createApiClient, mergePatchType, type ApiClient } from '../client/http.ts';
import { pathOf, type ResourceType } from '../client/discovery.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { getObject, itemsOf } from '../client/live.ts';
import { HeddleError } from '../kit/error.ts';

export interface LabApi {
  /** Whether the control plane is up and answers; false while it cannot be reached. */
  ready(): Promise<boolean>;
  /** All objects of one of Heddle's kinds, over all namespaces. */
  list(kind: string): Promise<readonly Resource[]>;
  /** Makes the control plane hold these objects, in this order; fails with the first that is refused. */
  apply(objects: readonly Resource[]): Promise<void>;
  close(): void;
}

/** Opens the API that a kubeconfig file speaks of; `NotFound` while the file is not there. */
export const openApi = (kubeconfig: string): LabApi => {
  const client = createApiClient(readKubeconfig(kubeconfig));
  return {
    ready: () => isReady(client),
    list: async (kind) => {
      const type = typeOf(kind);
      const { body } = await client.call({ path: pathOf(type, '') });
      return itemsOf(body, type, `${type.group}/${type.version}`);
    },
    apply: async (objects) => {
      for (const object of objects) await applyOne(client, object);
    },
    close: () => client.close(),
  };
};

const isReady = async (client: ApiClient): Promise<boolean> => {
  try {
    await client.call({ path: '/readyz' });
    return true;
  } catch (error) {
    if (error instanceof HeddleError) return false;
    throw error;
  }
};

/** The lab ships with its control plane, so it knows the kinds without asking. */
const typeOf = (name: string): ResourceType => {
  const kind: Kind | undefined = kindByName(name);
  if (kind === undefined) throw new HeddleError('Invalid', `a lab cannot apply objects of kind "${name}": use "heddle apply"`);
  const { group, version, plural, singular, shortNames, categories, scope } = kind;
  return { group, version, kind: name, plural, singular, shortNames, categories, namespaced: scope === 'Namespaced', verbs: [] };
};

const applyOne = async (client: ApiClient, object: Resource): Promise<void> => {
  const type = typeOf(object.kind);
  const { name } = object.metadata;
  const namespace = type.namespaced ? (object.metadata.namespace ?? client.access.namespace) : '';
  const wanted = withLastApplied(type.namespaced ? { ...object, metadata: { ...object.metadata, namespace } } : object);
  try {
    const live = await getObject(client, { type, namespace, name });
    if (live === undefined) {
      await client.call({ method: 'POST', path: pathOf(type, namespace), body: wanted });
      return;
    }
    const patch = applyPatch(live, wanted);
    if (patch === undefined) return;
    await client.call({ method: 'PATCH', path: pathOf(type, namespace, name), body: patch, contentType: mergePatchType });
  } catch (thrown) {
    const error = HeddleError.from(thrown);
    throw new HeddleError(error.code, `${object.kind} "${name}" is refused: ${error.message}`, { findings: error.findings, cause: error });
  }
};
