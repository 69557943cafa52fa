/** The schema check: TypeBox says whether an object fits its kind's schema, this file says it in the user's terms. */
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import type { Finding } from '../kit/error.ts';
import { isJsonObject } from '../kit/json.ts';

/** Every fault is reported, not the first few; the bound keeps a hostile list of a million from filling memory. */
Settings.Set({ maxErrors: 200 });

export type Check = (value: unknown) => Finding[];

/** Compiles once and answers a function that is cheap for valid values. */
export const compileCheck = (schema: TSchema): Check => {
  const validator = Compile(schema);
  return (value) => (validator.Check(value) ? [] : describe(validator.Errors(value), value));
};

interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: unknown;
  readonly message: string;
}

const describe = (errors: readonly SchemaError[], root: unknown): Finding[] => {
  const unions = errors.filter((error) => error.keyword === 'anyOf' || error.keyword === 'oneOf');
  const inUnion = (error: SchemaError): boolean => unions.some((union) => error !== union && isWithin(error, union));
  const outer = errors.filter((error) => !inUnion(error) && error.keyword !== 'boolean');
  const findings = outer.flatMap((error) => findingsOf(error, errors, root));
  return [...new Map(findings.map((finding) => [`${finding.path} ${finding.message}`, finding])).values()];
};

const isWithin = (error: SchemaError, union: SchemaError): boolean =>
  error.schemaPath.startsWith(`${union.schemaPath}/${union.keyword}/`);

const codeOf: { readonly [keyword: string]: string } = {
  required: 'FieldValueRequired',
  enum: 'FieldValueNotSupported',
  const: 'FieldValueNotSupported',
  type: 'FieldValueTypeInvalid',
  maxLength: 'FieldValueTooLong',
  maxItems: 'FieldValueTooMany',
  uniqueItems: 'FieldValueDuplicate',
};

const findingsOf = (error: SchemaError, all: readonly SchemaError[], root: unknown): Finding[] => {
  const { path, value } = locate(error.instancePath, root);
  if (error.keyword === 'required') {
    const missing = listParam(error, 'requiredProperties');
    return missing.map((name) => ({ path: join(path, name), code: 'FieldValueRequired', message: 'this field is required' }));
  }
  if (error.keyword === 'anyOf' || error.keyword === 'oneOf') return [unionFinding(error, all, path, value)];
  const code = codeOf[error.keyword] ?? 'FieldValueInvalid';
  return [{ path, code, message: `${show(value)} ${says(error)}` }];
};

const says = (error: SchemaError): string => {
  if (error.keyword === 'enum') return `is not supported; use ${listParam(error, 'allowedValues').map(show).join(', ')}`;
  if (error.keyword === 'const') return `is not supported; use ${show(param(error, 'allowedValue'))}`;
  return error.message;
};

/** A union of constants reads as a list of what is allowed; any other as the faults of its branches. */
const unionFinding = (union: SchemaError, all: readonly SchemaError[], path: string, value: unknown): Finding => {
  const branches = all.filter((error) => error !== union && isWithin(error, union));
  if (branches.length > 0 && branches.every((error) => error.keyword === 'const' && error.instancePath === union.instancePath)) {
    const allowed = branches.map((error) => show(param(error, 'allowedValue')));
    return { path, code: 'FieldValueNotSupported', message: `${show(value)} is not supported; use ${[...new Set(allowed)].join(', ')}` };
  }
  const reasons = [...new Set(branches.map((error) => error.message))];
  return { path, code: 'FieldValueInvalid', message: `${show(value)} fits none of the allowed forms: ${reasons.join(', or ')}` };
};

const param = (error: SchemaError, name: string): unknown => (isJsonObject(error.params) ? error.params[name] : undefined);

const listParam = (error: SchemaError, name: string): string[] => {
  const list = param(error, name);
  return Array.isArray(list) ? list.map(String) : [];
};

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

const join = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** A JSON pointer as the dotted path that users write, with the value found there. */
const locate = (pointer: string, root: unknown): { path: string; value: unknown } => {
  let value = root;
  let path = '';
  for (const segment of pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    path = Array.isArray(value) ? `${path}[${segment}]` : join(path, segment);
    value = typeof value === 'object' && value !== null ? Reflect.get(value, segment) : undefined;
  }
  return { path, value };
};
