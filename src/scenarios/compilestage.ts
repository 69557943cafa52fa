/** The compile level of a scenario: the pure compiler and the pure allocator, with this file in the place of the API server. */
import { builtinObjects } from '../api/builtin.ts';
import { checkObject } from '../api/check.ts';
import { kindByName } from '../api/kinds.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import { createCompiler } from '../compile/compiler.ts';
import type { CompileResult, ObjectChange } from '../compile/engine.ts';
import type { CompileFinding } from '../compile/finding.ts';
import { Allocator } from '../control/allocate.ts';
import { rowId, type Row } from '../goal/rows.ts';
import { HeddleError, invalid, type Finding } from '../kit/error.ts';

export class CompileStage {
  readonly #compiler = createCompiler();
  readonly #objects = new Map<string, Resource>();
  readonly #allocator = new Allocator((key) => {
    const object = this.#objects.get(key);
    if (object === undefined) return undefined;
    return { uid: object.metadata.uid ?? '', accepted: this.findings(refOf(object)).every(({ severity }) => severity !== 'error') };
  });
  readonly #compiled: (changes: readonly ObjectChange[], result: CompileResult) => void;
  #clock = 0;

  /** @param compiled is told of every batch, also of those in which ids are handed out */
  constructor(wiring: readonly Resource[], compiled: (changes: readonly ObjectChange[], result: CompileResult) => void = () => {}) {
    this.#compiled = compiled;
    this.apply([...builtinObjects, ...wiring]);
  }

  /** Stores the objects and compiles until nothing asks for an id any more; one that is wrong in itself is refused. */
  apply(objects: readonly Resource[]): void {
    for (const object of objects) {
      const findings = this.check(object);
      if (findings.length > 0) throw invalid(refKey(refOf(object)), findings);
    }
    this.#compile(objects.map((object) => ({ ref: refOf(object), object: this.#born(object) })));
  }

  delete(refs: readonly ObjectRef[]): void {
    this.#compile(refs.map((ref) => ({ ref, object: undefined })));
  }

  /** Faults of the object itself. */
  check(object: Resource): Finding[] {
    const kind = kindByName(object.kind);
    if (kind === undefined) throw new HeddleError('NotFound', `there is no kind "${object.kind}"`);
    return checkObject(kind, kind.defaults(object), this.#objects.get(refKey(refOf(object))));
  }

  findings(ref: ObjectRef): readonly CompileFinding[] {
    return [...this.#compiler.findingsOf(ref), ...this.#allocator.findingsOf(refKey(ref))];
  }

  /** Objects of a kind, as they are applied. */
  objects(kind: string): readonly Resource[] {
    return [...this.#objects.values()].filter((object) => object.kind === kind);
  }

  scopes(): (readonly [string, readonly Row[]])[] {
    return this.#compiler.scopes().map((scope) => [scope, this.#compiler.rows(scope)]);
  }

  /** Every row of every scope, a line each: what the golden holds. */
  goalText(): string {
    return this.#compiler
      .scopes()
      .sort()
      .flatMap((scope) => [`[${scope}]`, ...this.#compiler.rows(scope).map((row) => `${rowId(row)} ${JSON.stringify(row.value)}`), ''])
      .join('\n');
  }

  #born(object: Resource): Resource {
    const before = this.#objects.get(refKey(refOf(object)));
    this.#clock += 1;
    const uid = before?.metadata.uid ?? object.metadata.uid ?? `uid-${this.#clock}`;
    const creationTimestamp = before?.metadata.creationTimestamp ?? object.metadata.creationTimestamp ?? `2026-01-01T00:00:00.${String(this.#clock).padStart(6, '0')}Z`;
    return { ...object, metadata: { ...object.metadata, uid, creationTimestamp } };
  }

  #compile(changes: readonly ObjectChange[]): void {
    let due = changes;
    while (due.length > 0) {
      for (const { ref, object } of due) this.#remember(ref, object);
      const result = this.#compiler.apply(due);
      this.#compiled(due, result);
      const { demands, findings } = result;
      for (const [key, wanted] of demands) this.#allocator.demand(key, wanted);
      for (const key of findings.keys()) this.#allocator.review(key);
      const { create, quarantine } = this.#allocator.decide();
      // No device holds anything at this level, so what is given back is free at once.
      const freed = quarantine.map((name) => ({ ref: { kind: 'Claim', namespace: '', name }, object: undefined }));
      due = [...create.map((claim) => ({ ref: refOf(claim), object: this.#born(claim) })), ...freed];
    }
  }

  #remember(ref: ObjectRef, object: Resource | undefined): void {
    const key = refKey(ref);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    if (ref.kind === 'Claim') this.#allocator.observe(ref.name, object);
    else this.#allocator.review(key);
  }
}
