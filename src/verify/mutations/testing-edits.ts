/** Goal state that is spoilt on purpose: rows of a world by what they stand for, changed, lost, kept too long or made up. */
import { deviceScope, rowId, vpcScope, type Row, type RowId, type TableName, type Tables } from '../../goal/rows.ts';
import type { ScopeChange } from '../../goal/state.ts';
import type { Vni } from '../../net/brand.ts';

export type Scopes = ReadonlyMap<string, readonly Row[]>;
type RowOf<Table extends TableName> = Row & { readonly table: Table; readonly value: Tables[Table] };

export class Edits {
  readonly #before: ReadonlyMap<string, ReadonlyMap<RowId, Row>>;
  readonly #scopes: Map<string, Map<RowId, Row>>;

  /**
   * @param before what is published
   * @param after what a compiler without faults would publish next; the same where nothing was declared in between
   */
  constructor(before: Scopes, after: Scopes = before) {
    this.#before = indexed(before);
    this.#scopes = indexed(after);
  }

  /** From what is published to what is here. */
  proposal(): ScopeChange[] {
    const names = new Set([...this.#before.keys(), ...this.#scopes.keys()]);
    return [...names].flatMap((scope) => {
      const [old, now] = [this.#before.get(scope) ?? new Map<RowId, Row>(), this.#scopes.get(scope) ?? new Map<RowId, Row>()];
      const upserts = [...now].filter(([id, row]) => JSON.stringify(old.get(id)) !== JSON.stringify(row)).map(([, row]) => row);
      const deletes = [...old.keys()].filter((id) => !now.has(id));
      return upserts.length + deletes.length === 0 ? [] : [{ scope, upserts, deletes }];
    });
  }

  /** Scope of a VPC, as `<namespace>/<vpc>`, or of an External by its name. */
  vpc(description: string): string {
    return vpcScope(this.vrf(description).vni);
  }

  vrf(description: string): Tables['vrf'] {
    return this.#one('vrf', (value) => value.description === description).value;
  }

  /** L2VNI of a subnet, as `<namespace>/<vpc>/<subnet>`. */
  segment(description: string): Vni {
    return this.#one('segment', (value) => value.description === description).value.vni;
  }

  /** Key of the leak from one to another, each as of `vpc`. */
  leak(from: string, to: string): string {
    return `${this.vrf(from).name}/${this.vrf(to).name}`;
  }

  get<Table extends TableName>(scope: string, table: Table, key: string): RowOf<Table> {
    const row = this.#scopes.get(scope)?.get(`${table}/${key}`);
    if (row === undefined || !isOf(row, table)) throw new Error(`there is no row ${table}/${key} in ${scope}`);
    return row;
  }

  edit<Table extends TableName>(scope: string, table: Table, key: string, change: (value: Tables[Table]) => Tables[Table]): void {
    const row = this.get(scope, table, key);
    this.put(scope, Object.assign({ ...row }, { value: change(row.value) }));
  }

  /** Puts the row there under another key. */
  rename(scope: string, table: TableName, key: string, to: string): void {
    const row = this.get(scope, table, key);
    this.drop(scope, table, key);
    this.put(scope, { ...row, key: to });
  }

  put(scope: string, ...rows: readonly Row[]): void {
    for (const row of rows) {
      const own = this.#scopes.get(scope) ?? new Map<RowId, Row>();
      this.#scopes.set(scope, own.set(rowId(row), row));
    }
  }

  drop(scope: string, table: TableName, key: string): void {
    this.get(scope, table, key);
    this.#scopes.get(scope)?.delete(`${table}/${key}`);
  }

  /** Rows of the table that are published and would be withdrawn stay, where `which` says so; there must be some. */
  forget<Table extends TableName>(table: Table, which: (value: Tables[Table], scope: string) => boolean = () => true): void {
    let kept = 0;
    for (const [scope, rows] of this.#before) {
      for (const [id, row] of rows) {
        if (!isOf(row, table) || this.#scopes.get(scope)?.has(id) === true || !which(row.value, scope)) continue;
        this.put(scope, row);
        kept += 1;
      }
    }
    if (kept === 0) throw new Error(`no row of ${table} would be withdrawn`);
  }

  /** Rows stay as they are published although they would change; there must be some. */
  stale<Table extends TableName>(table: Table, which: (value: Tables[Table], scope: string) => boolean = () => true): void {
    let kept = 0;
    for (const [scope, rows] of this.#before) {
      for (const [id, row] of rows) {
        const now = this.#scopes.get(scope)?.get(id);
        if (!isOf(row, table) || now === undefined || JSON.stringify(now) === JSON.stringify(row) || !which(row.value, scope)) continue;
        this.put(scope, row);
        kept += 1;
      }
    }
    if (kept === 0) throw new Error(`no row of ${table} would change`);
  }

  /** All rows of the table are as they are published. */
  restore(table: TableName): void {
    for (const [scope, rows] of this.#before) for (const row of rows.values()) if (row.table === table) this.put(scope, row);
  }

  /** Everything that would change on a device stays as it is. */
  freeze(device: string): void {
    const scope = deviceScope(device);
    this.#scopes.set(scope, new Map(this.#before.get(scope)));
  }

  #one<Table extends TableName>(table: Table, is: (value: Tables[Table]) => boolean): RowOf<Table> {
    for (const scopes of [this.#scopes, this.#before]) {
      for (const rows of scopes.values()) for (const row of rows.values()) if (isOf(row, table) && is(row.value)) return row;
    }
    throw new Error(`no row of ${table} is meant`);
  }
}

const isOf = <Table extends TableName>(row: Row, table: Table): row is RowOf<Table> => row.table === table;

const indexed = (scopes: Scopes): Map<string, Map<RowId, Row>> =>
  new Map([...scopes].map(([scope, rows]) => [scope, new Map(rows.map((row) => [rowId(row), row]))]));
