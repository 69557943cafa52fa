/** Errors as the API tells them: the `Status` object, whose reason, details and causes kubectl turns into its messages. */
import { HeddleError, formatFinding, type ErrorCode, type ErrorOptions, type Finding } from '../kit/error.ts';
import { optional, type JsonObject } from '../kit/json.ts';
import type { ServedKind } from './scheme.ts';

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  /** The plural, or for `Invalid` the Kind. */
  readonly kind?: string;
  readonly uid?: string;
  readonly retryAfterSeconds?: number;
}

/** A HeddleError that knows which object it is about. */
export class ApiError extends HeddleError {
  readonly details: StatusDetails;
  /** For list continuation after `Expired`. */
  readonly continueToken: string | undefined;

  constructor(code: ErrorCode, message: string, details: StatusDetails, options: ErrorOptions & { continueToken?: string } = {}) {
    super(code, message, options);
    this.details = details;
    this.continueToken = options.continueToken;
  }
}

/**
 * Causes as Kubernetes classifies them (metav1.CauseType), for clients that branch on them. The codes of the rules of a kind
 * say more than any of these and stay as they are.
 */
const causeOfCode: { readonly [code: string]: string } = {
  MissingField: 'FieldValueRequired',
  NotAllowed: 'FieldValueNotSupported',
  WrongType: 'FieldValueTypeInvalid',
  TooLong: 'FieldValueTooLong',
  TooMany: 'FieldValueTooMany',
  TooShort: 'FieldValueInvalid',
  TooFew: 'FieldValueInvalid',
  OutOfRange: 'FieldValueInvalid',
  Malformed: 'FieldValueInvalid',
  InvalidName: 'FieldValueInvalid',
};

const reasonOf: { readonly [Code in ErrorCode]?: string } = {
  TooLarge: 'RequestEntityTooLarge',
  Internal: 'InternalError',
  Unavailable: 'ServiceUnavailable',
  Unsupported: 'NotImplemented',
};

/** The body for any error; the message of one that is not ours is not told to clients. */
export const statusOf = (error: HeddleError): JsonObject => {
  const details = error instanceof ApiError ? error.details : undefined;
  const causes = error.findings.map(({ path, code, message }) => ({ reason: causeOfCode[code] ?? code, message, field: path }));
  const hasDetails = details !== undefined || causes.length > 0;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error instanceof ApiError ? optional('continue', error.continueToken) : {},
    status: 'Failure',
    message: error.message,
    reason: reasonOf[error.code] ?? error.code,
    ...(hasDetails ? { details: { ...details, ...(causes.length > 0 ? { causes } : {}) } } : {}),
    code: error.status,
  };
};

/** The body of a DELETE that left nothing behind. */
export const successStatus = (served: ServedKind, name: string, uid: string | undefined): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { name, group: served.kind.group, kind: served.kind.plural, ...optional('uid', uid) },
});

const pluralDetails = (served: ServedKind, name: string): StatusDetails => ({ name, group: served.kind.group, kind: served.kind.plural });

export const notFound = (served: ServedKind, name: string): ApiError =>
  new ApiError('NotFound', `${served.resource} "${name}" not found`, pluralDetails(served, name));

export const alreadyExists = (served: ServedKind, name: string): ApiError =>
  new ApiError('AlreadyExists', `${served.resource} "${name}" already exists`, pluralDetails(served, name));

/** Every name that was made up for an object was taken. */
export const nothingFree = (served: ServedKind, prefix: string): ApiError =>
  new ApiError('AlreadyExists', `no free name of ${served.resource} was found that begins with "${prefix}"; try again, or give a name`, pluralDetails(served, prefix));

/** Somebody else wrote in between, or a precondition does not hold. */
export const conflict = (served: ServedKind, name: string, why: string): ApiError =>
  new ApiError('Conflict', `Operation cannot be fulfilled on ${served.resource} "${name}": ${why}`, pluralDetails(served, name));

export const staleVersion = (served: ServedKind, name: string): ApiError =>
  conflict(served, name, 'the object has been modified; please apply your changes to the latest version and try again');

export const forbidden = (served: ServedKind, name: string, why: string, findings: readonly Finding[] = []): ApiError =>
  new ApiError('Forbidden', `${served.resource} "${name}" is forbidden: ${why}`, pluralDetails(served, name), { findings });

/** All findings at once, in the message (for clients that print only that) and as causes. */
export const invalidObject = (served: ServedKind, name: string, findings: readonly Finding[]): ApiError => {
  const { kind, group } = served.kind;
  const listed = findings.map(formatFinding);
  const text = listed.length === 1 ? listed[0] : `[${listed.join(', ')}]`;
  const type = group === '' ? kind : `${kind}.${group}`;
  return new ApiError('Invalid', `${type} "${name}" is invalid: ${text}`, { name, group, kind }, { findings });
};
