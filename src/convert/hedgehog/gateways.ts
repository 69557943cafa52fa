/** Gateways of Hedgehog as ours, as far as the underlay goes; what they translate has no equivalent yet. */
import type { SwitchProfileSpec } from '../../api/kinds/switchprofile.ts';
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Document, Documents } from './documents.ts';

export const convertGateways = (documents: Documents): Resource[] => {
  const ports = gatewayPorts(documents);
  for (const { notes } of documents.GatewayGroup) notes.changed('', 'a group is only a name here, on each Gateway');
  for (const { notes } of documents.GatewayPeering) notes.lost('', 'address translation and filters of gateways are not in this release');
  return documents.Gateway.flatMap((document) => [profileOf(document, ports), convertGateway(document)]);
};

const profileName = (gateway: string): string => `gateway-${gateway}`;

/** By `<gateway>/<interface>`: the port as wiring has it here, `<gateway>/E1/<n>`, counted in order of the names of interfaces. */
export const gatewayPorts = ({ Gateway, Connection }: Documents): ReadonlyMap<string, string> => {
  const cabled = Connection.flatMap(({ spec }) => (spec.gateway?.links ?? []).flatMap((link) => link.gateway?.port ?? []));
  const known = Gateway.flatMap(({ name, spec }) => Object.keys(spec.interfaces ?? {}).map((port) => `${name}/${port}`));
  const byGateway = Map.groupBy([...new Set([...known, ...cabled])].sort(), (port) => port.slice(0, port.indexOf('/')));
  return new Map([...byGateway].flatMap(([gateway, ports]) => ports.map((port, index) => [port, `${gateway}/E1/${index + 1}`])));
};

/** Their ports are interfaces of a machine, so each gateway has a profile of its own. */
const profileOf = ({ name, spec, notes }: Document<'Gateway'>, ports: ReadonlyMap<string, string>): Resource => {
  const own = [...ports].filter(([port]) => port.startsWith(`${name}/`)).map(([port, neutral]) => [port, neutral].map((text) => text.slice(name.length + 1)));
  notes.changed('spec.interfaces', `ports have neutral names in wiring: ${own.map(([port, neutral]) => `${port} is ${neutral}`).join(', ')} (SwitchProfile "${profileName(name)}")`);
  return make('SwitchProfile', profileName(name), {
    displayName: `Gateway ${name}`,
    ports: Object.fromEntries(own.map(([port = '', neutral = '']) => [neutral, { interface: spec.interfaces?.[port]?.kernel ?? port }])),
  } satisfies SwitchProfileSpec);
};

const convertGateway = ({ name, spec, notes }: Document<'Gateway'>): Resource => {
  const [group, ...others] = spec.groups ?? [];
  if (others.length > 0) notes.lost('spec.groups[1]', `a Gateway is in one group here; it is in "${group?.name ?? ''}"`);
  notes.lose(spec, ['neighbors'], 'follow from the Connections of the Gateway');
  notes.lose(spec, ['vtepMAC', 'vtepMTU', 'workers', 'logs', 'profiling', 'flowTableCapacity'], 'belongs to the software of that gateway');
  return make('Gateway', name, {
    profile: profileName(name),
    ...optional('asn', spec.asn),
    ...optional('routerID', host(spec.protocolIP)),
    ...optional('vtep', host(spec.vtepIP)),
    ...optional('group', group?.name),
    ...optional('priority', group?.priority),
  });
};

const host = (text: string | undefined): string | undefined => text?.replace(/\/\d+$/, '');
