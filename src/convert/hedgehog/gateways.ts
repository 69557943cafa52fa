/** Gateways of Hedgehog as ours, as far as the underlay goes; what they translate has no equivalent yet. */
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Document, Documents } from './documents.ts';

export const convertGateways = (documents: Documents): Resource[] => {
  for (const { notes } of documents.GatewayGroup) notes.changed('', 'a group is only a name here, on each Gateway');
  for (const { notes } of documents.GatewayPeering) notes.lost('', 'address translation and filters of gateways are not in this release');
  return documents.Gateway.map(convertGateway);
};

const convertGateway = ({ name, spec, notes }: Document<'Gateway'>): Resource => {
  const [group, ...others] = spec.groups ?? [];
  if (others.length > 0) notes.lost('spec.groups[1]', `a Gateway is in one group here; it is in "${group?.name ?? ''}"`);
  notes.lose(spec, ['interfaces', 'neighbors'], 'follow from the Connections of the Gateway');
  notes.lose(spec, ['vtepMAC', 'vtepMTU', 'workers', 'logs', 'profiling', 'flowTableCapacity'], 'belongs to the software of that gateway');
  return make('Gateway', name, {
    ...optional('asn', spec.asn),
    ...optional('routerID', host(spec.protocolIP)),
    ...optional('vtep', host(spec.vtepIP)),
    ...optional('group', group?.name),
    ...optional('priority', group?.priority),
  });
};

const host = (text: string | undefined): string | undefined => text?.replace(/\/\d+$/, '');
