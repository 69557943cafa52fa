/** Media types: what an Accept header asks for, in its order of preference, and how an answer is written. */
import { HeddleError } from '../../kit/error.ts';
import { yamlText } from '../../kit/yaml.ts';

export interface MediaRange {
  /** Lower case, such as `application/json`. */
  readonly type: string;
  readonly parameters: { readonly [name: string]: string };
}

/** Clauses by falling `q`, otherwise as written; an absent header accepts anything. */
export const parseAccept = (header: string | undefined): readonly MediaRange[] => {
  const clauses = (header === undefined || header.trim() === '' ? '*/*' : header).split(',').map(parseMediaType);
  const quality = (range: MediaRange): number => Number(range.parameters['q'] ?? 1);
  return clauses.filter((range) => quality(range) > 0).toSorted((a, b) => quality(b) - quality(a));
};

export const parseMediaType = (text: string): MediaRange => {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const pairs = parameters.map((parameter): [string, string] => {
    const equals = parameter.indexOf('=');
    return [parameter.slice(0, equals).toLowerCase(), parameter.slice(equals + 1).replaceAll('"', '')];
  });
  return { type: type.toLowerCase(), parameters: Object.fromEntries(pairs) };
};

export type Transform = 'none' | 'table' | 'metadata';

export interface Representation {
  readonly type: 'application/json' | 'application/yaml';
  readonly transform: Transform;
  /** API version of meta.k8s.io that the transform answers in. */
  readonly metaVersion: string;
}

const transforms: { readonly [name: string]: Transform } = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
};

/** The first clause that this server can write, of those that can be `written` here; `NotAcceptable` when there is none (protobuf alone, for example). */
export const representation = (accept: string | undefined, written: readonly Representation['type'][] = ['application/json', 'application/yaml']): Representation => {
  for (const { type, parameters } of parseAccept(accept)) {
    const transform = parameters['as'] === undefined ? 'none' : transforms[parameters['as']];
    const metaVersion = parameters['v'] ?? 'v1';
    const knows = transform !== undefined && (transform === 'none' || ['v1', 'v1beta1'].includes(metaVersion));
    if (!knows) continue;
    if (type === 'application/yaml' && written.includes(type)) return { type, transform, metaVersion };
    if (['application/json', 'application/*', '*/*', 'text/plain'].includes(type)) return { type: 'application/json', transform, metaVersion };
  }
  throw new HeddleError('NotAcceptable', `only ${written.join(' and ')} can be answered here, not "${accept ?? ''}"`);
};

export const write = (value: unknown, type: Representation['type']): string =>
  type === 'application/yaml' ? yamlText(value) : `${JSON.stringify(value)}\n`;
