/** What is not as it must be once nothing goes wrong any more. */
import { refKey, refOf, type Resource } from '../api/object.ts';
import { formatDigest } from '../goal/digest.ts';
import type { Fleet } from '../simulate/fleet.ts';
import type { Expected } from './expected.ts';
import { clusterRef, type Intent } from './intent.ts';
import { conditionOf } from './witness.ts';

/** Kinds whose status is held against what devices do. */
export const judgedKinds: readonly string[] = ['VPC', 'VPCAttachment', 'VPCPeering', 'MappingSlice'];

export interface Scene {
  readonly intent: Intent;
  readonly fleet: Fleet;
  /** All objects as the API has them. */
  readonly objects: readonly Resource[];
  readonly expected: Expected;
}

/** Empty when everything is right; else what is wrong, a line each. */
export const wrongIn = ({ intent, fleet, objects, expected }: Scene): readonly string[] => [
  ...wrongIntent(intent, objects),
  ...objects.flatMap(wrongStatus),
  ...intent.fabric.devices.flatMap((device) =>
    intent.has(clusterRef('Switch', device)) ? wrongDevice(fleet, device, expected) : wrongStranger(fleet, device),
  ),
];

const keyOf = (object: Resource): string => refKey(refOf(object));

/** No acknowledged revision is lost, and nothing that was deleted comes back. */
const wrongIntent = (intent: Intent, objects: readonly Resource[]): string[] => {
  const stored = new Map(objects.map((object) => [keyOf(object), object]));
  const wanted = new Set(intent.objects().map(keyOf));
  const isOfIntent = ({ kind }: Resource): boolean => kind === 'Switch' || judgedKinds.includes(kind);
  return [
    ...[...wanted].filter((key) => !stored.has(key)).map((key) => `${key} was accepted and is lost`),
    ...objects.filter(isOfIntent).flatMap((object) => (wanted.has(keyOf(object)) ? [] : [`${keyOf(object)} was deleted and is there`])),
    ...intent.ofKind('VPC').flatMap((wish) => {
      const isAsAccepted = marksIn(stored.get(keyOf(wish))).join() === marksIn(wish).join();
      return isAsAccepted ? [] : [`${keyOf(wish)} is not as it was accepted`];
    }),
  ];
};

const marksIn = (vpc: Resource | undefined): string[] =>
  [...JSON.stringify(vpc?.spec ?? {}).matchAll(/10\.255\.\d+\.\d+/g)].map(([mark]) => mark);

/** Every object of the intent is programmed, or says why not. */
const wrongStatus = (object: Resource): string[] => {
  if (object.kind !== 'Switch' && !judgedKinds.includes(object.kind)) return [];
  const [accepted, programmed] = [conditionOf(object, 'Accepted'), conditionOf(object, 'Programmed')];
  const { generation } = object.metadata;
  const isCurrent = accepted?.observedGeneration === generation && programmed?.observedGeneration === generation;
  if (isCurrent && (programmed?.status === 'True' || accepted?.status === 'False')) return [];
  return [`${keyOf(object)} generation ${generation}: ${JSON.stringify(programmed)} ${JSON.stringify(accepted)}`];
};

const wrongDevice = (fleet: Fleet, device: string, expected: Expected): string[] => {
  const { connected, device: plane } = fleet.agent(device);
  const wanted = expected.rows(device);
  return [
    ...(connected ? [] : ['is not connected']),
    ...[...wanted.keys()].filter((row) => !plane.rows.has(row)).map((row) => `lacks ${row}`),
    ...[...plane.rows].flatMap(([row, text]) => {
      const right = wanted.get(row);
      if (right === undefined) return [`has ${row}`];
      return right === text ? [] : [`has ${row} as ${text}, not ${right}`];
    }),
    ...wrongScopes(fleet, device, expected),
  ].map((text) => `${device} ${text}`);
};

const wrongScopes = (fleet: Fleet, device: string, { goal }: Expected): string[] => {
  const held = fleet.agent(device).scopes();
  const wanted = goal.subscriptions(device);
  return [...new Set([...held.keys(), ...wanted])].flatMap((scope) => {
    const [digest, right] = [held.get(scope)?.digest, wanted.includes(scope) ? goal.scope(scope).digest : undefined];
    if (digest === right || (digest === undefined && goal.scope(scope).rows.size === 0)) return [];
    const text = (each: bigint | undefined): string => (each === undefined ? 'none' : formatDigest(each));
    return [`holds ${scope} with digest ${text(digest)}, not ${text(right)}`];
  });
};

/** A device that is not declared keeps no tenant's port in service. */
const wrongStranger = (fleet: Fleet, device: string): string[] =>
  [...fleet.agent(device).device.rows.keys()]
    .filter((row) => row.startsWith('attachment/') || row.startsWith('host/'))
    .map((row) => `${device} is not declared and holds ${row}`);
