/**
 * Whether a value has the structure that a schema asks for. TypeBox compiles a checker a schema; that costs milliseconds,
 * so it happens at first use and once.
 */
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

const checkers = new WeakMap<TSchema, Validator>();

export function checkerOf(schema: TSchema): Validator {
  let checker = checkers.get(schema);
  if (checker === undefined) {
    checker = Compile(schema);
    checkers.set(schema, checker);
  }
  return checker;
}

export const hasStructure = (schema: TSchema, value: unknown): boolean => checkerOf(schema).Check(value);
