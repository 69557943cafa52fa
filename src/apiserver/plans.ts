/**
 * A plan as it comes in: every object goes through the very checks of a write by who asks (rights, structure, rules, references,
 * quotas), of which nothing is kept, and all that is refused is told at once. What is made of the rest is the controller's to say.
 */
import type { Planned } from '../api/planning.ts';
import { kindByName } from '../api/kinds.ts';
import type { PlanSpec, PlannedFinding, PlanStatus } from '../api/planview.ts';
import { refKey, type ObjectRef, type Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';
import { isDeepStrictEqual } from 'node:util';
import { objectOr } from '../kit/json.ts';
import { bodyOf } from './access/reviews.ts';
import type { Rights } from './access/rights.ts';
import { jsonAnswer, type Answer, type Exchange } from './exchange.ts';
import type { Registry, WriteOptions } from './registry/registry.ts';
import type { ResourceRoute } from './route.ts';
import type { ServedKind } from './scheme.ts';

/** Answers what would follow from changes that passed; what was refused already is a part of the answer. */
export type Plans = (planned: readonly Planned[], rights: Rights) => Promise<PlanStatus>;

export const answerPlan = async (registry: Registry, plans: Plans, exchange: Exchange, { served }: ResourceRoute): Promise<Answer> => {
  const body = await bodyOf(exchange, served);
  const planned = await new Admission(registry, exchange, (body.spec ?? {}) as PlanSpec).planned();
  return jsonAnswer({ ...body, status: await plans(planned, exchange.rights) }, 201);
};

class Admission {
  readonly #registry: Registry;
  readonly #rights: Rights;
  readonly #options: WriteOptions;
  readonly #spec: PlanSpec;
  readonly #leaving: ReadonlySet<string>;
  /** Namespaces that the plan itself makes. */
  readonly #made: ReadonlySet<string>;

  constructor(registry: Registry, { rights, warnings }: Exchange, spec: PlanSpec) {
    this.#registry = registry;
    this.#rights = rights;
    this.#spec = spec;
    this.#options = { dryRun: true, fieldValidation: 'Strict', warn: (text) => warnings.add(text), sees: rights.sees };
    this.#leaving = new Set((spec.delete ?? []).map(({ kind, namespace = '', name }) => refKey({ kind, namespace, name })));
    this.#made = new Set((spec.apply ?? []).filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  }

  async planned(): Promise<readonly Planned[]> {
    const planned: Planned[] = [];
    for (const object of this.#spec.apply ?? []) planned.push(await this.#applied(object));
    for (const { kind, namespace = '', name } of this.#spec.delete ?? []) planned.push(...(await this.#deleted({ kind, namespace, name })));
    return planned;
  }

  async #applied(object: Resource): Promise<Planned> {
    const { name = '', namespace = '' } = objectOr(object.metadata) as { name?: string; namespace?: string };
    const ref = { kind: String(object.kind), namespace, name };
    try {
      const served = this.#served(ref.kind);
      if (served.namespaced !== (namespace !== '')) throw new HeddleError('BadRequest', served.namespaced ? 'metadata.namespace is missing' : 'metadata.namespace must be left out');
      if (!this.#may(['create', 'update', 'patch'], served, ref)) throw new HeddleError('Forbidden', `you may neither create nor change ${refKey(ref)}`);
      const before = await this.#current(served, ref);
      return before === undefined ? await this.#created(served, ref, object) : await this.#changed(served, ref, object, before);
    } catch (thrown) {
      return refusal(ref, 'change', thrown);
    }
  }

  async #created(served: ServedKind, ref: ObjectRef, object: Resource): Promise<Planned> {
    if (!this.#may(['create'], served, ref)) throw new HeddleError('Forbidden', `you may not create ${refKey(ref)}`);
    const given = { ...object, metadata: written(object) };
    const { namespace } = ref;
    const next = this.#made.has(namespace) ? this.#inNew(served, given) : await this.#registry.create(served, given, { ...this.#options, review: (after) => this.#rights.review(served, after, undefined) });
    return { ref, action: 'create', findings: [], ...changeOf(ref, next) };
  }

  /** Nothing but the object itself can be checked where there is no namespace yet. */
  #inNew(served: ServedKind, object: Resource): Resource {
    const whole = served.kind.defaults(object);
    const findings = [...served.check(object), ...served.kind.validate(whole)];
    if (findings.length > 0) throw new HeddleError('Invalid', `${served.kind.kind} is invalid`, { findings });
    this.#rights.review(served, whole, undefined);
    return whole;
  }

  async #changed(served: ServedKind, ref: ObjectRef, object: Resource, before: Resource): Promise<Planned> {
    if (!this.#may(['update', 'patch'], served, ref)) throw new HeddleError('Forbidden', `you may not change ${refKey(ref)}`);
    const change = (current: Resource): unknown => {
      const { status: _, ...rest } = object;
      return { ...rest, metadata: { ...current.metadata, ...written(object) }, ...(current.status === undefined ? {} : { status: current.status }) };
    };
    const options: WriteOptions = { ...this.#options, review: (after, former) => this.#rights.review(served, after, former) };
    const after = await this.#registry.modify(served, ref.namespace, ref.name, change, options);
    const isSame = isDeepStrictEqual(said(before), said(after));
    return { ref, action: isSame ? 'none' : 'change', findings: [], ...(isSame ? {} : changeOf(ref, after)) };
  }

  async #deleted(ref: ObjectRef): Promise<readonly Planned[]> {
    try {
      const served = this.#served(ref.kind);
      if (!this.#may(['delete'], served, ref)) throw new HeddleError('Forbidden', `you may not delete ${refKey(ref)}`);
      const goesToo = (user: ObjectRef): boolean => this.#leaving.has(refKey(user)) || (ref.kind === 'Namespace' && user.namespace === ref.name);
      await this.#registry.delete(served, ref.namespace, ref.name, { dryRun: true, refuseInUse: true, sees: this.#rights.sees, goesToo });
      const own: Planned = { ref, action: 'delete', findings: [], ...changeOf(ref, undefined) };
      return ref.kind === 'Namespace' ? [own, ...(await this.#within(ref.name))] : [own];
    } catch (thrown) {
      return [refusal(ref, 'delete', thrown)];
    }
  }

  /** What goes with a namespace. */
  async #within(namespace: string): Promise<readonly Planned[]> {
    const kinds = this.#registry.scheme.stored.filter(({ kind, namespaced }) => namespaced && kindByName(kind.kind) !== undefined);
    const lists = await Promise.all(kinds.map((served) => this.#registry.list(served, { namespace })));
    return lists.flatMap(({ items }) => items).map((item): Planned => {
      const ref = { kind: item.kind, namespace, name: item.metadata.name };
      return { ref, action: 'delete', findings: [], ...changeOf(ref, undefined) };
    });
  }

  #served(kind: string): ServedKind {
    const served = this.#registry.scheme.byKind(kind);
    if (served.kind.createOnly === true || served.kind.readOnly === true) throw new HeddleError('BadRequest', `${kind} cannot be planned: nobody writes it`);
    return served;
  }

  #may(verbs: readonly string[], { kind: { group, plural } }: ServedKind, { namespace, name }: ObjectRef): boolean {
    return verbs.some((verb) => this.#rights.may(verb, { group, plural, subresource: '', namespace, name }));
  }

  async #current(served: ServedKind, { namespace, name }: ObjectRef): Promise<Resource | undefined> {
    try {
      return await this.#registry.get(served, namespace, name);
    } catch (thrown) {
      if (HeddleError.from(thrown).code !== 'NotFound') throw thrown;
      return undefined;
    }
  }
}

/** Of metadata what people write. */
const written = ({ metadata }: Resource): Resource['metadata'] => {
  const { name, namespace, labels, annotations, finalizers } = metadata;
  const given = Object.entries({ namespace, labels, annotations, finalizers }).filter(([, value]) => value !== undefined);
  return { name, ...Object.fromEntries(given) };
};

/** Whatever a client notes down for itself is no change. */
const said = (object: Resource): unknown => {
  const { metadata: _, status: __, ...rest } = object;
  const { annotations = {}, ...metadata } = written(object);
  return { ...rest, metadata, annotations: Object.entries(annotations).filter(([name]) => name !== lastApplied) };
};

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Only what the controller knows is compiled. */
const changeOf = (ref: ObjectRef, object: Resource | undefined): Pick<Planned, 'change'> =>
  kindByName(ref.kind) === undefined ? {} : { change: { ref, object } };

const refusal = (ref: ObjectRef, action: Planned['action'], thrown: unknown): Planned => {
  const { code, message, findings } = HeddleError.from(thrown);
  const told: readonly PlannedFinding[] = findings.length > 0 && code !== 'Conflict' ? findings.map(({ path, code: what, message: text }) => ({ path, code: what, message: text })) : [{ path: '', code, message }];
  return { ref, action, findings: told };
};
