/**
 * Rows from protobuf, and what goes with their ids, for every table by its descriptor; encoder.ts is the other direction.
 * Field numbers only grow, so an older reader that keeps what it does not know re-encodes the same bytes.
 */
import { type DescField, type DescMessage, type Message, fromBinary, toBinary } from '@bufbuild/protobuf';
import { encodeRow } from './encoder.ts';
import { type Row as RowMessage, RowSchema } from './gen/heddle/agent/v1/agent_pb.ts';
import { type Row, type RowId, type TableName, rowId, tableNames } from './rows.ts';

export interface DecodedRow {
  /** `<table>/<key>`; for a table this build does not know `#<field number>/<key>`. */
  readonly id: RowId;
  /** The canonical bytes, with what this build does not know. */
  readonly bytes: Uint8Array;
  /** Absent when this build does not know the table. */
  readonly row?: Row;
  /** Fields, and a table, of a newer server that were left out of `row`. */
  readonly unknown: number;
  /** Of `bytes`, where somebody keeps it, such as a simulation in which thousands hold the same row. */
  readonly digest?: bigint;
}

export { encodeRow };

/** Of canonical bytes. @throws Error when they are no protobuf. */
export const decodeRow = (bytes: Uint8Array): DecodedRow => rowOf(fromBinary(RowSchema, bytes), bytes);

/** What a received row message says. */
export const rowOfMessage = (message: RowMessage): DecodedRow => rowOf(message, toBinary(RowSchema, message));

const rowOf = (message: RowMessage, bytes: Uint8Array): DecodedRow => {
  const unknownTables = message.$unknown ?? [];
  if (message.value.case === undefined) {
    const number = unknownTables[0]?.no ?? 0;
    return { id: foreignRowId(number, message.key), bytes, unknown: 1 };
  }
  const table = tableOf(message.value.case);
  const counter = { unknown: unknownTables.length };
  // The one place where what came over the wire becomes typed: the descriptor has checked its shape.
  const value: object = plainOf(table.message, message.value.value, counter);
  const row = { table: table.name, key: message.key, value } as Row;
  return { id: rowId(row), bytes, row, unknown: counter.unknown };
};

/** The row message with these canonical bytes, for an Update. */
export const messageOfRow = (row: Row): RowMessage => fromBinary(RowSchema, encodeRow(row));

/** Field number of a table in `Row.value`. */
export const tableNumber = (table: TableName): number => tableOf(table).number;

/** Row id of a key in a table that this build may not know by name. */
export const rowIdOf = (table: string, number: number, key: string): RowId =>
  isTableName(table) ? rowId({ table, key }) : foreignRowId(number, key);

/** The id under which this build knows a row that an older one could only number (`#<field number>/<key>`). */
export const knownRowId = (id: RowId): RowId | undefined => {
  const [, number, key] = /^#(\d+)\/(.*)$/s.exec(id) ?? [];
  const table = tableNames.find((name) => tableNumber(name) === Number(number));
  return table === undefined || key === undefined ? undefined : rowId({ table, key });
};

/** Takes a row id of a known table apart. */
export const splitRowId = (id: RowId): { readonly table: TableName; readonly key: string } | undefined => {
  const slash = id.indexOf('/');
  const table = id.slice(0, slash);
  return slash > 0 && isTableName(table) ? { table, key: id.slice(slash + 1) } : undefined;
};

export const isTableName = (text: string): text is TableName => tables.has(text);

const foreignRowId = (number: number, key: string): RowId => `#${number}/${key}`;

interface Table {
  readonly name: TableName;
  readonly number: number;
  readonly message: DescMessage;
}

const tables: ReadonlyMap<string, Table> = new Map(tableNames.map((name) => [name, describeTable(name)]));

function describeTable(name: TableName): Table {
  const field = RowSchema.fields.find((candidate) => candidate.localName === name);
  if (field?.fieldKind !== 'message') throw new Error(`agent.proto: Row has no table '${name}'`);
  return { name, number: field.number, message: field.message };
}

function tableOf(name: string): Table {
  const table = tables.get(name);
  if (table === undefined) throw new Error(`unknown table '${name}'`);
  return table;
}

type Plain = string | number | boolean | readonly Plain[] | { readonly [name: string]: Plain };

const plainOf = (desc: DescMessage, message: Message, counter: { unknown: number }): { readonly [name: string]: Plain } => {
  counter.unknown += message.$unknown?.length ?? 0;
  const plain: Record<string, Plain> = {};
  for (const field of desc.fields) {
    const member: unknown = Reflect.get(message, field.localName);
    if (member !== undefined) plain[field.localName] = plainMember(field, member, counter);
  }
  return plain;
};

const plainMember = (field: DescField, member: unknown, counter: { unknown: number }): Plain => {
  if (Array.isArray(member)) return member.map((element: unknown) => plainMember(field, element, counter));
  if (typeof member === 'string' || typeof member === 'number' || typeof member === 'boolean') return member;
  if (isMessage(member) && field.message !== undefined) return plainOf(field.message, member, counter);
  throw new Error(`${field.parent.name}.${field.localName}: no row value for ${typeof member}`);
};

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && '$typeName' in value;
