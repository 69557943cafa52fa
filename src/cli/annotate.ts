/** `heddle annotate`: what people say of an object beside its spec, such as the token that lets a held deletion go. */
import { findType, objectName, pathOf } from '../client/discovery.ts';
import { mergePatchType } from '../client/http.ts';
import { HeddleError } from '../kit/error.ts';
import type { ExitStatus, Io } from './io.ts';
import { withSession, type GlobalOptions } from './session.ts';

export const annotate = (io: Io, kind: string, name: string, words: readonly string[], options: GlobalOptions): Promise<ExitStatus> => {
  const annotations = Object.fromEntries(words.map(parseAnnotation));
  return withSession<ExitStatus>(io, options, async (session) => {
    const type = findType(await session.types(), kind);
    const path = pathOf(type, type.namespaced ? session.namespace : '', name);
    await session.client.call({ method: 'PATCH', path, contentType: mergePatchType, body: { metadata: { annotations } } });
    io.out(`${objectName(type, name)} annotated\n`);
    return 0;
  });
};

/** `KEY=VALUE` sets, `KEY-` removes, which a merge patch says with null (RFC 7386). */
const parseAnnotation = (word: string): [string, string | null] => {
  const equals = word.indexOf('=');
  if (equals > 0) return [word.slice(0, equals), word.slice(equals + 1)];
  if (word.length > 1 && word.endsWith('-')) return [word.slice(0, -1), null];
  throw new HeddleError('BadRequest', `"${word}" is no annotation: write KEY=VALUE, or KEY- to remove one`);
};
