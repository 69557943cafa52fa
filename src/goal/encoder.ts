/**
 * Canonical bytes of rows, for every table by its descriptor, so that a new table needs a message in the .proto and a line in
 * rows.ts and nothing here. Fields in ascending order, defaults left out: equal rows give equal bytes, which digests rely on.
 */
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { ByteBuffer } from './bytes.ts';
import { RowSchema } from './gen/heddle/agent/v1/agent_pb.ts';
import { type Row, type TableName, tableNames } from './rows.ts';

/** Writes the canonical bytes of a row, a `heddle.agent.v1.Row`, over what the buffer held. */
export const encodeRowInto = (buffer: ByteBuffer, row: Row): void => {
  buffer.clear();
  if (row.key !== '') {
    writeTag(buffer, keyNumber, WireType.LengthDelimited);
    buffer.text(row.key);
  }
  const table = tables.get(row.table);
  if (table === undefined) throw new Error(`unknown table '${row.table}'`);
  writeMember(buffer, table, row.value);
};

const scratch = new ByteBuffer();

/** Canonical bytes of a row, a `heddle.agent.v1.Row`. */
export const encodeRow = (row: Row): Uint8Array => {
  encodeRowInto(scratch, row);
  return scratch.copy();
};

/** A field as it is written: what its descriptor says, looked up once. */
interface Layout {
  readonly name: string;
  readonly number: number;
  /** Left out when it has the zero of its type: proto3, not `optional`. */
  readonly implicit: boolean;
  /** Of the message within, when it is one. */
  readonly fields: readonly Layout[];
  /** `<message>.<field>`, for faults. */
  readonly path: string;
}

const layoutOf = (field: DescField): Layout => ({
  name: field.localName,
  number: field.number,
  implicit: field.fieldKind === 'scalar' && !field.proto.proto3Optional,
  fields: field.message === undefined ? [] : layoutsOf(field.message),
  path: `${field.parent.name}.${field.localName}`,
});

/** `fields` of a descriptor has the order of the .proto file. */
function layoutsOf(message: DescMessage): readonly Layout[] {
  return message.fields.toSorted((one, other) => one.number - other.number).map(layoutOf);
}

const layoutOfTable = (table: TableName): Layout => {
  const field = RowSchema.fields.find(({ localName }) => localName === table);
  if (field?.message === undefined) throw new Error(`agent.proto: Row has no table '${table}'`);
  return layoutOf(field);
};

const tables: ReadonlyMap<TableName, Layout> = new Map(tableNames.map((name) => [name, layoutOfTable(name)]));
const keyNumber = RowSchema.field.key.number;

const writeTag = (buffer: ByteBuffer, number: number, type: WireType): void => buffer.varint((number << 3) | type);

const writeFields = (buffer: ByteBuffer, fields: readonly Layout[], value: Readonly<Record<string, unknown>>): void => {
  for (const field of fields) {
    const member = value[field.name];
    if (member === undefined) continue;
    if (Array.isArray(member)) for (const element of member) writeMember(buffer, field, element);
    else if (!field.implicit || (member !== '' && member !== 0 && member !== false)) writeMember(buffer, field, member);
  }
};

const writeMember = (buffer: ByteBuffer, field: Layout, member: unknown): void => {
  if (typeof member === 'string') {
    writeTag(buffer, field.number, WireType.LengthDelimited);
    buffer.text(member);
  } else if (typeof member === 'number' && member >>> 0 === member) {
    writeTag(buffer, field.number, WireType.Varint);
    buffer.varint(member);
  } else if (typeof member === 'boolean') {
    writeTag(buffer, field.number, WireType.Varint);
    buffer.varint(member ? 1 : 0);
  } else if (typeof member === 'object' && member !== null) {
    writeTag(buffer, field.number, WireType.LengthDelimited);
    const start = buffer.fork();
    writeFields(buffer, field.fields, member as Readonly<Record<string, unknown>>);
    buffer.join(start);
  } else {
    throw new Error(`${field.path}: no encoding for ${typeof member} ${String(member)}`);
  }
};
