/** Query parameters of lists and watches, and the rules of which may stand together. */
import { HeddleError } from '../kit/error.ts';
import type { Revision } from '../store/store.ts';
import type { ServedKind } from './scheme.ts';
import { parseFieldSelector, selection, type FieldSelector, type Predicate } from './registry/selector.ts';
import { ApiError } from './status.ts';

export interface ListQuery {
  readonly limit: number | undefined;
  readonly continueToken: string;
  /** Absent when the parameter is. */
  readonly resourceVersion: Revision | undefined;
  readonly match: '' | 'Exact' | 'NotOlderThan';
  readonly select: Predicate | undefined;
  readonly field: FieldSelector | undefined;
  readonly watch: boolean;
  readonly bookmarks: boolean;
  readonly initialEvents: boolean;
  /** Absent: the server chooses. */
  readonly timeoutSeconds: number | undefined;
}

/** Booleans arrive as `true`, `True` and `1`. */
const isTrue = (value: string | null): boolean => value !== null && /^(true|1)$/i.test(value);

const wholeNumber = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new HeddleError('BadRequest', `${name} "${text}" is not a whole number`);
  return Number(text);
};

/** `BadRequest` for what cannot be read, `Invalid` for combinations that make no sense. */
export const parseListQuery = (served: ServedKind, query: URLSearchParams): ListQuery => {
  const fieldText = query.get('fieldSelector') ?? '';
  const field = fieldText === '' ? undefined : parseFieldSelector(served.kind, fieldText);
  const parsed: ListQuery = {
    limit: wholeNumber(query, 'limit') || undefined,
    continueToken: query.get('continue') ?? '',
    resourceVersion: wholeNumber(query, 'resourceVersion'),
    match: matchOf(query.get('resourceVersionMatch') ?? ''),
    select: selection(query.get('labelSelector'), field),
    field,
    watch: isTrue(query.get('watch')),
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    initialEvents: isTrue(query.get('sendInitialEvents')),
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds') || undefined,
  };
  checkCombination(parsed, query.has('sendInitialEvents'));
  return parsed;
};

const matchOf = (text: string): ListQuery['match'] => {
  if (text === '' || text === 'Exact' || text === 'NotOlderThan') return text;
  throw badOption('resourceVersionMatch', 'FieldValueNotSupported', `"${text}" is not supported; use Exact or NotOlderThan`);
};

const badOption = (path: string, code: string, message: string): HeddleError =>
  new ApiError('Invalid', `ListOptions.meta.k8s.io "" is invalid: ${path}: ${message}`, { group: 'meta.k8s.io', kind: 'ListOptions' }, { findings: [{ path, code, message }] });

const checkCombination = (query: ListQuery, asksInitialEvents: boolean): void => {
  const { match, resourceVersion, continueToken, watch } = query;
  if (asksInitialEvents && !watch) throw badOption('sendInitialEvents', 'FieldValueForbidden', 'is forbidden for list');
  if (asksInitialEvents && match !== 'NotOlderThan') {
    throw badOption('resourceVersionMatch', 'FieldValueForbidden', 'sendInitialEvents requires resourceVersionMatch=NotOlderThan');
  }
  if (watch) {
    if (match !== '' && !asksInitialEvents) throw badOption('resourceVersionMatch', 'FieldValueForbidden', 'is forbidden for watch unless sendInitialEvents is set');
    return;
  }
  if (continueToken !== '' && resourceVersion !== undefined && resourceVersion !== 0) {
    throw new HeddleError('BadRequest', 'resourceVersion cannot be given together with continue');
  }
  if (match !== '' && resourceVersion === undefined) throw badOption('resourceVersionMatch', 'FieldValueForbidden', 'is forbidden unless resourceVersion is provided');
  if (match === 'Exact' && resourceVersion === 0) throw badOption('resourceVersionMatch', 'FieldValueForbidden', 'Exact is forbidden for resourceVersion "0"');
};

export interface ContinueToken {
  /** All pages are read at it; -1 gives consistency up and goes on at the present. */
  readonly revision: Revision;
  /** Store key to go on from, relative to the list's prefix. */
  readonly start: string;
}

const tokenVersion = 'heddle.dev/v1';

export const encodeContinue = ({ revision, start }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: tokenVersion, rv: revision, start })).toString('base64url');

/** `BadRequest` for anything that this server did not hand out. */
export const decodeContinue = (text: string): ContinueToken => {
  const bad = new HeddleError('BadRequest', 'the continue token is not one of this server: list from the start');
  try {
    const token: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (typeof token !== 'object' || token === null || !('v' in token) || token.v !== tokenVersion) throw bad;
    if (!('rv' in token) || typeof token.rv !== 'number' || !Number.isSafeInteger(token.rv)) throw bad;
    if (!('start' in token) || typeof token.start !== 'string' || !/^[\x21-\x7e]*$/.test(token.start)) throw bad;
    return { revision: token.rv, start: token.start };
  } catch {
    throw bad;
  }
};
