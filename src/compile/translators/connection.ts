/** Connection -> the ports at its ends, and between switches the sessions over its cables. */
import type { Resource } from '../../api/object.ts';
import { fabricUnderlay } from '../resolve/fabric.ts';
import { connectionResolution, isServerConnection, type ConnectionResolution } from '../resolve/connection.ts';
import type { Facts, ScopedRow, Translator, View } from '../view.ts';
import { externalPortRows } from './externalports.ts';
import { fabricLinkRows } from './fabriclinks.ts';
import { serverPortRows } from './serverports.ts';

export const connectionTranslator: Translator = {
  name: 'connection',
  kind: 'Connection',
  translate: (object, view) => {
    const resolution = view.query(connectionResolution, object.metadata.name);
    const { findings, demands, type } = resolution;
    const rows = rowsOf(resolution, view);
    if (type === undefined) return { rows, findings, demands };
    return { rows, findings, demands, facts: isDrained(object, resolution) ? { ...factsOf[type], draining: true } : factsOf[type] };
  },
};

const isDrained = ({ metadata }: Resource, { value }: ConnectionResolution): boolean =>
  metadata.deletionTimestamp !== undefined || (value !== undefined && 'links' in value && value.links.some((link) => 'drained' in link));

const rowsOf = ({ value }: ConnectionResolution, view: View): readonly ScopedRow[] => {
  if (value === undefined) return [];
  if (isServerConnection(value)) return serverPortRows(value);
  if (value.type === 'external') return externalPortRows(value);
  const underlay = view.query(fabricUnderlay, value.fabric);
  return underlay === undefined ? [] : fabricLinkRows(value, underlay);
};

const factsOf: Record<NonNullable<ConnectionResolution['type']>, Facts> = {
  fabric: { type: 'fabric' },
  mesh: { type: 'mesh' },
  gateway: { type: 'gateway' },
  unbundled: { type: 'unbundled' },
  bundle: { type: 'bundle' },
  multihomed: { type: 'multihomed' },
  external: { type: 'external' },
};
