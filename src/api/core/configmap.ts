/** ConfigMap (core/v1): settings of tools that live beside ours, such as the sets that `kubectl apply --prune` keeps. */
import { Type } from 'typebox';
import { Findings } from '../findings.ts';
import type { Kind, Resource } from '../object.ts';
import { checkKeys, decodedBytes, immutableFindings, isBase64, maxDataBytes, utf8Bytes } from './datakeys.ts';

interface ConfigMap extends Resource {
  readonly data?: { readonly [key: string]: string };
  readonly binaryData?: { readonly [key: string]: string };
}

const validate: Kind['validate'] = (object, old) => {
  const { data = {}, binaryData = {} } = object as ConfigMap;
  const found = new Findings();
  checkKeys('data', data, found);
  checkKeys('binaryData', binaryData, found);
  for (const [key, value] of Object.entries(binaryData)) {
    if (!isBase64(value)) found.add(`binaryData[${key}]`, 'FieldValueInvalid', 'is not base64');
    if (Object.hasOwn(data, key)) found.add(`binaryData[${key}]`, 'FieldValueInvalid', 'the key is in `data` too; it can be in one of them');
  }
  const texts = Object.values(data).reduce((sum, value) => sum + utf8Bytes(value), 0);
  const bytes = Object.values(binaryData).reduce((sum, value) => sum + decodedBytes(value), texts);
  if (bytes > maxDataBytes) found.add('', 'FieldValueTooLong', `holds ${bytes} bytes; at most ${maxDataBytes} are kept`);
  return [...found.list, ...immutableFindings(['data', 'binaryData'], object, old)];
};

const values = (description: string) => Type.Record(Type.String(), Type.String(), { description });

export const configMapKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  categories: [],
  scope: 'Namespaced',
  description: 'Settings for tools, as text or bytes under names.',
  properties: {
    data: values('Text under names of letters, digits, "-", "_" and ".".'),
    binaryData: values('Bytes, base64-encoded, under names that `data` does not have.'),
    immutable: Type.Boolean({ description: 'Nothing but metadata can be changed any more.' }),
  },
  required: [],
  defaults: (object) => object,
  validate,
  columns: [
    { name: 'Data', type: 'integer', jsonPath: '.data', counts: ['data', 'binaryData'], description: 'How many values', priority: 0 },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation', priority: 0 },
  ],
  hasStatus: false,
};
