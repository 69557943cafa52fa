/**
 * Rows to protobuf and back, for every table by its descriptor, so that a new table needs a message in the .proto and a line in
 * rows.ts and nothing here. Encoding is canonical: fields in ascending order, defaults left out; equal rows give equal bytes,
 * which digests rely on. Field numbers only grow, so an older reader that keeps what it does not know re-encodes the same bytes.
 */
import { type DescField, type DescMessage, type Message, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
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
}

/** Canonical bytes of a row, a `heddle.agent.v1.Row`. */
export const encodeRow = (row: Row): Uint8Array => {
  const table = tableOf(row.table);
  const writer = new BinaryWriter();
  if (row.key !== '') writer.tag(keyNumber, WireType.LengthDelimited).string(row.key);
  writer.tag(table.number, WireType.LengthDelimited).fork();
  writeMessage(writer, table.message, row.value);
  return writer.join().finish();
};

/** @throws Error when the bytes are no protobuf. */
export const decodeRow = (bytes: Uint8Array): DecodedRow => rowOfMessage(fromBinary(RowSchema, bytes));

/** What a received row message says. */
export const rowOfMessage = (message: RowMessage): DecodedRow => {
  const bytes = toBinary(RowSchema, message);
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

const keyNumber = RowSchema.field.key.number;

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

const writeMessage = (writer: BinaryWriter, desc: DescMessage, value: object): void => {
  for (const field of ascendingFields(desc)) {
    const member: unknown = Reflect.get(value, field.localName);
    if (member !== undefined) writeField(writer, field, member);
  }
};

const ascending = new WeakMap<DescMessage, readonly DescField[]>();

/** `desc.fields` has the order of the .proto file. */
const ascendingFields = (desc: DescMessage): readonly DescField[] => {
  const known = ascending.get(desc);
  if (known !== undefined) return known;
  const fields = desc.fields.toSorted((one, other) => one.number - other.number);
  ascending.set(desc, fields);
  return fields;
};

const writeField = (writer: BinaryWriter, field: DescField, member: unknown): void => {
  if (field.fieldKind === 'list' && Array.isArray(member)) {
    for (const element of member) writeOne(writer, field, element);
  } else if (!isImplicitDefault(field, member)) {
    writeOne(writer, field, member);
  }
};

/** proto3 leaves a member that is not `optional` out when it is the type's zero. */
const isImplicitDefault = (field: DescField, member: unknown): boolean =>
  !field.proto.proto3Optional && (member === '' || member === 0 || member === false);

const writeOne = (writer: BinaryWriter, field: DescField, member: unknown): void => {
  if (typeof member === 'string') writer.tag(field.number, WireType.LengthDelimited).string(member);
  else if (typeof member === 'number') writer.tag(field.number, WireType.Varint).uint32(member);
  else if (typeof member === 'boolean') writer.tag(field.number, WireType.Varint).bool(member);
  else if (typeof member === 'object' && member !== null && field.message !== undefined) {
    writer.tag(field.number, WireType.LengthDelimited).fork();
    writeMessage(writer, field.message, member);
    writer.join();
  } else {
    throw new Error(`${field.parent.name}.${field.localName}: no encoding for ${typeof member}`);
  }
};

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
