/** What the control and the lab level of a scenario share: a client of the real API, and what a user sees there. */
import assert from 'node:assert/strict';
import { kindByName } from '../api/kinds.ts';
import { refKey, type Condition, type ObjectRef, type Resource } from '../api/object.ts';
import { pathOf, type ResourceType } from '../client/discovery.ts';
import { createApiClient, mergePatchType, type ApiClient } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { getObject } from '../client/live.ts';
import { HeddleError } from '../kit/error.ts';
import { openApi, type LabApi } from '../lab/api.ts';
import type { Expectation } from './scenario.ts';
import { eventually } from './waiting.ts';

export class ApiStage {
  readonly #api: LabApi;
  readonly #client: ApiClient;
  /** Objects that steps made, in order; what `cleanUp` removes. */
  readonly #made = new Map<string, ObjectRef>();
  /** Objects that were there and that steps changed, as they were; what `cleanUp` puts back. */
  readonly #changed = new Map<string, Resource>();

  constructor(kubeconfig: string) {
    this.#api = openApi(kubeconfig);
    this.#client = createApiClient(readKubeconfig(kubeconfig));
  }

  async apply(objects: readonly Resource[]): Promise<void> {
    await this.#openNamespaces(objects);
    const refs = objects.map(({ kind, metadata }) => ({ kind, namespace: metadata.namespace ?? '', name: metadata.name }));
    const before = await Promise.all(refs.map((ref) => this.get(ref)));
    await this.#api.apply(objects);
    for (const [index, ref] of refs.entries()) {
      const object = before[index];
      if (object === undefined) this.#made.set(refKey(ref), ref);
      else if (!this.#made.has(refKey(ref)) && !this.#changed.has(refKey(ref))) this.#changed.set(refKey(ref), declared(object));
    }
  }

  /** Tenants other than `default` have a namespace as soon as something is said of them. */
  async #openNamespaces(objects: readonly Resource[]): Promise<void> {
    for (const namespace of new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))) {
      const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await this.#client.call({ method: 'POST', path: '/api/v1/namespaces', body }).catch((thrown: unknown) => {
        if (HeddleError.from(thrown).code !== 'AlreadyExists') throw thrown;
      });
    }
  }

  async delete(ref: ObjectRef): Promise<void> {
    await this.#client.call({ method: 'DELETE', path: pathOf(typeOf(ref.kind), ref.namespace, ref.name) });
    this.#made.delete(refKey(ref));
  }

  /** The API says no, names exactly these paths, and the object stays as it was. */
  async refuse(object: Resource, paths: readonly string[]): Promise<void> {
    const ref = { kind: object.kind, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
    const before = await this.get(ref);
    await assert.rejects(this.#api.apply([object]), (error) => {
      assert.ok(error instanceof HeddleError);
      assert.equal(error.code, 'Invalid');
      assert.deepEqual(error.findings.map(({ path }) => path).sort(), [...paths].sort());
      return true;
    });
    assert.deepEqual(await this.get(ref), before);
  }

  async expect({ ref, condition, wanted, says = '' }: Expectation): Promise<void> {
    await eventually(async () => {
      const object = await this.get(ref);
      const found = conditionOf(object, condition);
      assert.ok(found !== undefined && found.observedGeneration === object?.metadata.generation, `${refKey(ref)} has no current ${condition} condition`);
      assert.ok([found.status, found.reason].includes(wanted) && found.message.includes(says), `${refKey(ref)}: ${condition} is ${found.status}, ${found.reason}: ${found.message}; wanted ${wanted} ${says}; ${conditionOf(object, 'Accepted')?.message ?? ''}`);
    });
  }

  /** Annotates the object with the token that its status shows. */
  async allow(ref: ObjectRef): Promise<void> {
    const { held } = ((await this.get(ref))?.status ?? {}) as { held?: { token: string } };
    assert.ok(held !== undefined, `nothing is held on ${refKey(ref)}`);
    const body = { metadata: { annotations: { 'heddle.dev/allow-deletions': held.token } } };
    await this.#client.call({ method: 'PATCH', path: pathOf(typeOf(ref.kind), ref.namespace, ref.name), contentType: mergePatchType, body });
  }

  async get(ref: ObjectRef): Promise<Resource | undefined> {
    return getObject(this.#client, { type: typeOf(ref.kind), namespace: ref.namespace, name: ref.name });
  }

  /** Removes what steps made and is still there, the last first and what is in use after those who use it; puts back what they changed. */
  async cleanUp(): Promise<void> {
    let left = [...this.#made.values()].toReversed();
    while (left.length > 0) {
      const refused: { readonly ref: ObjectRef; readonly error: unknown }[] = [];
      for (const ref of left) await this.delete(ref).catch((error: unknown) => refused.push({ ref, error }));
      if (refused.length === left.length) throw refused[0]?.error;
      left = refused.map(({ ref }) => ref);
    }
    await this.#api.apply([...this.#changed.values()]);
  }

  close(): void {
    this.#api.close();
    this.#client.close();
  }
}

/** What a person wrote of it. */
const declared = ({ apiVersion, kind, metadata: { name, namespace, labels, annotations = {} }, spec }: Resource): Resource => {
  const written = Object.fromEntries(Object.entries(annotations).filter(([key]) => key.startsWith('lab.')));
  return {
    apiVersion,
    kind,
    metadata: { name, annotations: written, ...(namespace !== undefined && { namespace }), ...(labels !== undefined && { labels }) },
    spec,
  };
};

const conditionOf = (object: Resource | undefined, type: string): Condition | undefined =>
  ((object?.status ?? {}) as { conditions?: Condition[] }).conditions?.find((condition) => condition.type === type);

const typeOf = (name: string): ResourceType => {
  const kind = kindByName(name);
  assert.ok(kind !== undefined, `there is no kind "${name}"`);
  const { group, version, plural, singular, shortNames, categories, scope } = kind;
  return { group, version, kind: name, plural, singular, shortNames, categories, namespaced: scope === 'Namespaced', verbs: [] };
};
