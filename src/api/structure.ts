/**
 * Whether a value has the structure that a schema asks for, and what is wrong when it has not, in the user's terms.
 * TypeBox compiles a checker a schema; that costs milliseconds, so it happens at first use and once.
 */
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Settings } from 'typebox/system';
import type { Finding } from '../kit/error.ts';
import { objectOr } from '../kit/json.ts';
import { memberPath } from './findings.ts';

// TypeBox stops after 8 errors by default; a user wants all of them, and nobody reads more than 200.
Settings.Set({ maxErrors: 200 });

const checkers = new WeakMap<TSchema, Validator>();

function checkerOf(schema: TSchema): Validator {
  let checker = checkers.get(schema);
  if (checker === undefined) {
    checker = Compile(schema);
    checkers.set(schema, checker);
  }
  return checker;
}

export const hasStructure = (schema: TSchema, value: unknown): boolean => checkerOf(schema).Check(value);

type SchemaError = ReturnType<Validator['Errors']>[number];

/**
 * Everything in which the value differs from the schema, fields that the schema does not know aside: those are `prune`'s.
 * Codes: `MissingField`, `WrongType`, `NotAllowed`, `InvalidName`, `Malformed`, `TooShort`, `TooLong`, `TooFew`, `TooMany`,
 * `OutOfRange`.
 */
export function structureFindings(schema: TSchema, value: unknown): Finding[] {
  const checker = checkerOf(schema);
  if (checker.Check(value)) return [];
  const all = checker.Errors(value);
  const choices = all.filter((error) => error.keyword === 'anyOf').map((error) => `${error.schemaPath}/anyOf/`);
  // Each branch of a choice fails by itself, and a value of the wrong type also fails every other keyword of its schema.
  const errors = all.filter((error) => !choices.some((choice) => error.schemaPath.startsWith(choice)));
  const ofWrongType = new Set(errors.filter((error) => error.keyword === 'type').map((error) => error.instancePath));
  return errors
    .filter((error) => error.keyword === 'type' || !ofWrongType.has(error.instancePath))
    .flatMap((error) => findingsOf(error, schema, value));
}

function findingsOf(error: SchemaError, schema: TSchema, root: unknown): Finding[] {
  const { path, value, parent } = locate(root, error.instancePath);
  const at = resolve(schema, error.schemaPath);
  switch (error.keyword) {
    case 'additionalProperties':
    case 'boolean':
      return [];
    case 'required':
      return error.params.requiredProperties.map((member) => missingField(memberPath(path, member), at, member));
    case 'type':
      return [{ path, code: 'WrongType', message: `must be ${article(String(error.params.type))}, not ${shown(value)}` }];
    case 'const':
      return [notAllowed(path, [error.params.allowedValue], value)];
    case 'anyOf':
      return [choiceFinding(path, at, value)];
    case 'pattern':
      return [{ path, code: isNamePattern(at) ? 'InvalidName' : 'Malformed', message: patternMessage(at, value) }];
    default:
      return [limitFinding(path, error, value, parent)];
  }
}

function missingField(path: string, owner: unknown, member: string): Finding {
  const description = textMember(propertiesOf(owner)[member], 'description');
  return { path, code: 'MissingField', message: description === undefined ? 'is required' : `is required: ${asClause(description)}` };
}

function notAllowed(path: string, allowed: readonly unknown[], value: unknown): Finding {
  const list = allowed.map((literal) => JSON.stringify(literal)).join(', ');
  const message = `must be ${allowed.length === 1 ? '' : 'one of '}${list}, not ${shown(value)}`;
  return { path, code: 'NotAllowed', message };
}

/** None of the branches fits. */
function choiceFinding(path: string, schema: unknown, value: unknown): Finding {
  const branches = branchesOf(schema);
  if (branches.every(isLiteral)) return notAllowed(path, branches.map((branch) => memberOf(branch, 'const')), value);
  return { path, code: 'WrongType', message: `must be ${branches.map(formOf).join(' or ')}, not ${shown(value)}` };
}

function formOf(branch: unknown): string {
  if (isLiteral(branch)) return JSON.stringify(memberOf(branch, 'const'));
  return textMember(branch, 'format') ?? article(textMember(branch, 'type') ?? 'another form');
}

function limitFinding(path: string, error: SchemaError, value: unknown, owner: unknown): Finding {
  const at = (code: string, message: string): Finding => ({ path, code, message });
  const size = Array.isArray(value) ? value.length : 0;
  const length = typeof value === 'string' ? value.length : 0;
  switch (error.keyword) {
    case 'minLength':
      return at('TooShort', length === 0 ? 'must not be empty' : `must have at least ${error.params.limit} characters, not ${shown(value)}`);
    case 'maxLength':
      return at('TooLong', `must have at most ${error.params.limit} characters, has ${length}`);
    case 'minItems':
      return at('TooFew', `must have at least ${error.params.limit} entries, has ${size}`);
    case 'maxItems':
      return at('TooMany', `must have at most ${error.params.limit} entries, has ${size}`);
    case 'minimum':
      return at('OutOfRange', `must be at least ${error.params.limit}, not ${shown(value)}`);
    case 'maximum':
      return at('OutOfRange', `must be at most ${error.params.limit}, not ${shown(value)}`);
    default:
      return at('Malformed', owner === undefined ? error.message : `${error.message}, not ${shown(value)}`);
  }
}

const isNamePattern = (schema: unknown): boolean => textMember(schema, 'pattern')?.includes('[-a-z0-9]*') ?? false;

const patternMessage = (schema: unknown, value: unknown): string =>
  isNamePattern(schema)
    ? `${shown(value)} is not a name; use lower-case letters, digits and "-", a letter or digit at both ends`
    : `${shown(value)} does not match ${textMember(schema, 'pattern') ?? 'the pattern'}`;

function article(type: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'an object',
    array: 'a list',
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  };
  return names[type] ?? type;
}

/** A value as a user recognises it, short. */
function shown(value: unknown): string {
  if (value === null) return 'null (nothing)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return value.length > 40 ? `"${value.slice(0, 40)}…"` : `"${value}"`;
  return `${String(value)}`;
}

/** A description as the second half of a sentence; `VPC` and the like keep their capitals. */
const asClause = (sentence: string): string =>
  sentence.replace(/^[A-Z](?=[a-z ])/, (first) => first.toLowerCase()).replace(/\.$/, '');

// --- JSON pointers (RFC 6901) into the value and into the schema

const unescapeToken = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~');
const tokensOf = (pointer: string): string[] => pointer.split('/').slice(1).map(unescapeToken);

function memberOf(owner: unknown, member: string): unknown {
  if (typeof owner !== 'object' || owner === null || !Object.hasOwn(owner, member)) return undefined;
  return (owner as Record<string, unknown>)[member];
}

function locate(root: unknown, pointer: string): { readonly path: string; readonly value: unknown; readonly parent: unknown } {
  let path = '';
  let value = root;
  let parent: unknown;
  for (const token of tokensOf(pointer)) {
    path = memberPath(path, Array.isArray(value) ? Number(token) : token);
    parent = value;
    value = memberOf(value, token);
  }
  return { path, value, parent };
}

const resolve = (schema: unknown, pointer: string): unknown =>
  tokensOf(pointer).reduce((at: unknown, token) => memberOf(at, token), schema);

function propertiesOf(schema: unknown): Record<string, unknown> {
  return objectOr(memberOf(schema, 'properties'));
}

function textMember(owner: unknown, member: string): string | undefined {
  const value = memberOf(owner, member);
  return typeof value === 'string' ? value : undefined;
}

function branchesOf(schema: unknown): unknown[] {
  const branches = memberOf(schema, 'anyOf');
  return Array.isArray(branches) ? branches : [];
}

const isLiteral = (schema: unknown): boolean => memberOf(schema, 'const') !== undefined;
