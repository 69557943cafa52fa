/** Connection -> the ports at its ends, and between switches the sessions over its cables. */
import { fabricUnderlay } from '../resolve/fabric.ts';
import { connectionResolution, type ConnectionResolution } from '../resolve/connection.ts';
import type { Facts, ScopedRow, Translator, View } from '../view.ts';
import { fabricLinkRows } from './fabriclinks.ts';
import { serverPortRows } from './serverports.ts';

export const connectionTranslator: Translator = {
  name: 'connection',
  kind: 'Connection',
  translate: (object, view) => {
    const resolution = view.query(connectionResolution, object.metadata.name);
    const { findings, demands, type } = resolution;
    const rows = rowsOf(resolution, view);
    return type === undefined ? { rows, findings, demands } : { rows, findings, demands, facts: factsOf[type] };
  },
};

const rowsOf = ({ value }: ConnectionResolution, view: View): readonly ScopedRow[] => {
  if (value === undefined) return [];
  if (value.type !== 'fabric') return serverPortRows(value);
  const underlay = view.query(fabricUnderlay, value.fabric);
  return underlay === undefined ? [] : fabricLinkRows(value, underlay);
};

const factsOf: Record<NonNullable<ConnectionResolution['type']>, Facts> = {
  fabric: { type: 'fabric' },
  unbundled: { type: 'unbundled' },
  bundle: { type: 'bundle' },
};
