/**
 * Building blocks for the schemas of documents that are read and never written: every member may be left out, for who wrote
 * them knows other defaults; what must be there is asked for where it is used.
 */
import { type Static, type TOptional, type TSchema, Type } from 'typebox';

type AllOptional<Members extends Record<string, TSchema>> = { [Member in keyof Members]: TOptional<Members[Member]> };

export const object = <Members extends Record<string, TSchema>>(members: Members) =>
  Type.Object(Object.fromEntries(Object.entries(members).map(([name, schema]) => [name, Type.Optional(schema)])) as AllOptional<Members>, {
    additionalProperties: false,
  });

export const map = <Value extends TSchema>(value: Value) => Type.Record(Type.String(), value, { additionalProperties: value });
export const list = <Element extends TSchema>(element: Element) => Type.Array(element);
export const text = Type.String();
export const number = Type.Integer();
export const flag = Type.Boolean();
export const anything = Type.Unknown();

export type { Static };
