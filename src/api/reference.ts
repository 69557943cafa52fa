/** The reference of all kinds as Markdown, made from the same schemas that validate: it cannot say anything else. */
import type { Kind } from './object.ts';

/** What of JSON Schema our kinds use; TypeBox's own types say more than a page needs. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Field {
  /** `subnets.<name>.cidr`, `links[].ends[]`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

export const referenceOf = (kinds: readonly Kind[]): string =>
  [
    '# Resources',
    '',
    'Made from the schemas of `src/api/kinds/` by a test (`HEDDLE_WRITE_GOLDENS=1 npm test -- reference` makes it anew);',
    '`kubectl explain` shows the same.',
    '',
    ...kinds.flatMap(kindSection),
  ].join('\n');

const kindSection = (kind: Kind): string[] => [
  `## ${kind.kind}`,
  kind.description,
  '',
  `\`${kind.plural}.${kind.group}/${kind.version}\` · ${kind.scope === 'Cluster' ? 'cluster-scoped' : 'in a namespace'} · short: ${kind.shortNames.map((name) => `\`${name}\``).join(' ') || '–'}`,
  '',
  ...Object.entries(kind.properties).flatMap(([member, schema]) => table(member, fieldsOf(schema as Schema))),
];

const table = (member: string, fields: readonly Field[]): string[] =>
  fields.length === 0
    ? []
    : [
        `| ${member} | type | |`,
        '|---|---|---|',
        ...fields.map(({ path, type, required, description }) => `| \`${path}\`${required ? ' *' : ''} | ${type} | ${description} |`),
        '',
      ];

/** Every field below a schema, depth first; `conditions` is the same everywhere and told once. */
const fieldsOf = (schema: Schema, at = ''): Field[] =>
  membersOf(schema, at).flatMap(({ path, member, required }) => {
    const field = { path, type: typeOf(member), required, description: (member.description ?? '').replaceAll('|', '\\|') };
    return path === 'conditions' ? [field] : [field, ...fieldsOf(member, path)];
  });

interface Member {
  readonly path: string;
  readonly member: Schema;
  readonly required: boolean;
}

const membersOf = (schema: Schema, at: string): Member[] => {
  const inner = schema.items === undefined ? schema : schema.items;
  const prefix = schema.items === undefined ? at : `${at}[]`;
  if (inner.items !== undefined) return membersOf(inner, prefix);
  const joined = (name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
  const named = Object.entries(inner.properties ?? {}).map(([name, member]) => ({
    path: joined(name),
    member,
    required: inner.required?.includes(name) ?? false,
  }));
  const any = inner.additionalProperties;
  if (typeof any !== 'object') return named;
  return [...named, ...membersOf(any, joined('<name>'))];
};

const typeOf = (schema: Schema): string => {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.items !== undefined) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return 'map';
  return `${schema.type ?? 'any'}${limits(schema)}`;
};

const limits = ({ minimum, maximum }: Schema): string =>
  minimum === undefined || maximum === undefined ? '' : ` ${minimum}–${maximum}`;
