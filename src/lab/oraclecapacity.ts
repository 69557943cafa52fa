/**
 * What the tables of switches hold, as far as attachments fill them: VRFs and segments, elder attachments first. What peerings
 * and outside networks add is not counted: stories whose switches hold so little have none. Pure.
 */
import type { Resource } from '../api/object.ts';
import type { ConnectionSpec } from '../api/kinds/connection.ts';
import type { SwitchSpec } from '../api/kinds/switch.ts';
import type { SwitchProfileSpec } from '../api/kinds/switchprofile.ts';
import type { VpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import { parsePortRef } from '../api/port.ts';
import { addMember } from '../kit/maps.ts';
import type { Intent } from './oracle.ts';

interface Table {
  readonly of: number;
  readonly used: Set<string>;
}

/** Answers, for attachments asked about from the eldest on, whether there is room; what has room takes it. */
export const roomOf = (intent: Intent): ((attachment: Resource) => boolean) => {
  const tables = tablesOf(intent);
  const ends = endsOf(intent);
  return ({ metadata: { namespace = '' }, spec }) => {
    const { vpc, subnet = 'default', connection } = spec as VpcAttachmentSpec;
    const entries = [`${namespace}/${vpc}`, `${namespace}/${vpc}/${subnet}`];
    const needed = [...(ends.get(connection) ?? [])].flatMap((device) =>
      (tables.get(device) ?? []).flatMap((table, index) => {
        const entry = entries[index];
        return entry === undefined || table.used.has(entry) ? [] : [{ table, entry }];
      }));
    const fits = needed.every(({ table: { used, of } }) => used.size < of);
    if (fits) for (const { table, entry } of needed) table.used.add(entry);
    return fits;
  };
};

/** By switch: its VRFs and its segments. */
const tablesOf = ({ Switch = [], SwitchProfile = [] }: Intent): ReadonlyMap<string, readonly Table[]> => {
  const capacities = new Map(SwitchProfile.map(({ metadata, spec }) => [metadata.name, (spec as SwitchProfileSpec).capacity]));
  return new Map(Switch.map(({ metadata, spec }) => {
    const capacity = capacities.get((spec as SwitchSpec).profile ?? '');
    return [metadata.name, [capacity?.vrfs, capacity?.segments].map((of = Number.POSITIVE_INFINITY) => ({ of, used: new Set<string>() }))];
  }));
};

/** By connection: the devices at its ends. */
const endsOf = ({ Connection = [] }: Intent): ReadonlyMap<string, ReadonlySet<string>> => {
  const ends = new Map<string, Set<string>>();
  for (const { metadata, spec } of Connection) {
    for (const end of (spec as ConnectionSpec).links.flatMap((link) => link.ends)) {
      const port = parsePortRef(end);
      if (port.ok) addMember(ends, metadata.name, port.value.device);
    }
  }
  return ends;
};
