/**
 * Models of switches. Those that are written down are taken over with their ports; of others nobody knows here what ports
 * they have, so they get the ports that are used, under their neutral names.
 */
import type { ConnectionSpec } from '../../api/kinds/connection.ts';
import type { SwitchProfileSpec } from '../../api/kinds/switchprofile.ts';
import { parsePortRef } from '../../api/port.ts';
import type { Resource } from '../../api/object.ts';
import { optional } from '../../kit/json.ts';
import { make } from '../make.ts';
import type { Document, Documents } from './documents.ts';

export interface Profiles {
  readonly objects: readonly Resource[];
  /** What a profile of theirs is called here. */
  readonly nameOf: (profile: string) => string;
}

export const profilesOf = (documents: Documents, cables: readonly Resource[]): Profiles => {
  const written = new Set(documents.SwitchProfile.map(({ name }) => name));
  const inferred = [...Map.groupBy(documents.Switch, ({ spec }) => spec.profile ?? '')].filter(([profile]) => profile !== '' && !written.has(profile));
  for (const { notes, spec } of documents.Switch) if ((spec.profile ?? '') === '') notes.error('spec.profile', 'is required');
  return {
    objects: [...documents.SwitchProfile.map(convertProfile), ...inferred.map(([profile, switches]) => inferProfile(profile, switches, cables))],
    nameOf: (profile) => profile,
  };
};

const inferProfile = (profile: string, switches: readonly Document<'Switch'>[], cables: readonly Resource[]): Resource => {
  const spec = usedPorts(switches, cables);
  for (const { notes } of switches.slice(0, 1)) {
    const ports = Object.keys(spec.ports).length;
    notes.changed('spec.profile', `the files do not say what ports "${profile}" has: SwitchProfile "${profile}" is made with the ${ports} that are used; complete it`);
  }
  return make('SwitchProfile', profile, { displayName: profile, ...spec } satisfies SwitchProfileSpec);
};

type Ports = Pick<SwitchProfileSpec, 'ports' | 'portTypes'>;

/** Of all these switches, what is cabled or set; a lane belongs to the port that is broken out. */
const usedPorts = (switches: readonly Document<'Switch'>[], cables: readonly Resource[]): Ports => {
  const cabled = portsOn(cables, new Set(switches.map(({ name }) => name)));
  const settings = switches.flatMap(({ spec }) => settingsOf(spec));
  const whole = [...cabled, ...settings.map(([port]) => port)].map((port) => parentOf(port) ?? port);
  const portTypes = typesOf(settings);
  const ports = [...new Set(whole)].sort(byNumber).map((port): [string, SwitchProfileSpec['ports'][string]] => {
    const type = Object.hasOwn(portTypes, typeName(port)) ? { type: typeName(port) } : {};
    return [port, { interface: port.replaceAll('/', '-'), ...type }];
  });
  return { ports: Object.fromEntries(ports), ...(Object.keys(portTypes).length === 0 ? {} : { portTypes }) };
};

/** Ports of these devices that are cabled. */
export const portsOn = (cables: readonly Resource[], devices: ReadonlySet<string>): string[] =>
  cables
    .flatMap(({ spec }) => (spec as ConnectionSpec).links.flatMap(({ ends }) => ends))
    .flatMap((end) => {
      const ref = parsePortRef(end);
      return ref.ok && devices.has(ref.value.device) ? [ref.value.port] : [];
    });

type PortType = NonNullable<SwitchProfileSpec['portTypes']>[string];

/** A port, and what it must be able to do. */
type Setting = readonly [string, PortType];

/** For a switch sets it so. */
const settingsOf = ({ portSpeeds, portBreakouts, portFECs }: Document<'Switch'>['spec']): Setting[] => [
  ...Object.entries(portSpeeds ?? {}).map(([port, speed]): Setting => [port, { speeds: [speedOf(speed)] }]),
  ...Object.entries(portBreakouts ?? {}).map(([port, mode]): Setting => [port, { breakouts: [mode] }]),
  ...Object.entries(portFECs ?? {}).flatMap(([port, fec]): Setting[] => {
    const mode = fecOf(fec);
    return mode === undefined ? [] : [[port, { fec: [mode] }]];
  }),
];

/** A type for each port that something is set of: nobody knows which of them are alike. */
const typesOf = (settings: readonly Setting[]): Record<string, PortType> => {
  const types: Record<string, PortType> = {};
  for (const [port, { speeds, breakouts, fec }] of settings) {
    const type = (types[typeName(parentOf(port) ?? port)] ??= {});
    if (speeds !== undefined) type.speeds = union(type.speeds, speeds);
    if (breakouts !== undefined) type.breakouts = union(type.breakouts, breakouts);
    if (fec !== undefined) type.fec = union(type.fec, fec);
  }
  return types;
};

const union = <Value>(before: readonly Value[] = [], more: readonly Value[]): Value[] => [...new Set([...before, ...more])];

const typeName = (port: string): string => port.replaceAll('/', '-').toLowerCase();

/** `E1/52` of the lane `E1/52/1`. */
const parentOf = (port: string): string | undefined => /^(E\d+\/\d+)\/\d+$/.exec(port)?.[1];

const byNumber = (left: string, right: string): number => left.localeCompare(right, 'en', { numeric: true });

const convertProfile = ({ name, spec, notes }: Document<'SwitchProfile'>): Resource => {
  notes.lose(spec, ['switchSilicon', 'platform', 'nosType', 'config', 'otherNames', 'notes'], 'belongs to the operating system of that vendor');
  const types = Object.entries(spec.portProfiles ?? {}).map(([type, { speed, breakout }]): [string, PortType] => [type, portType(speed, breakout)]);
  const pipelines = Object.entries(spec.pipelines ?? {}).map(([pipeline, { maxPorts = 1 }]): [string, { maxPorts: number }] => [pipeline, { maxPorts }]);
  const converted: SwitchProfileSpec = {
    ...optional('displayName', spec.displayName),
    ports: Object.fromEntries(Object.entries(spec.ports ?? {}).map(([port, each]) => [port, convertPort(port, each, spec)])),
    ...(types.length === 0 ? {} : { portTypes: Object.fromEntries(types) }),
    ...optional('maxPorts', spec.maxPorts === 0 ? undefined : spec.maxPorts),
    ...(pipelines.length === 0 ? {} : { pipelines: Object.fromEntries(pipelines) }),
    features: featuresOf(spec.features ?? {}),
  };
  return make('SwitchProfile', name, converted);
};

const portType = (speed: SpeedSpec | undefined, breakout: BreakoutSpec | undefined): PortType => ({
  ...(speed === undefined ? {} : { speeds: defaultFirst(speed.default, (speed.supported ?? []).map(speedOf)) }),
  ...(breakout === undefined ? {} : { breakouts: defaultFirst(breakout.default, Object.keys(breakout.supported ?? {})) }),
});

type PortProfiles = NonNullable<Document<'SwitchProfile'>['spec']['portProfiles']>;
type SpeedSpec = NonNullable<PortProfiles[string]['speed']>;
type BreakoutSpec = NonNullable<PortProfiles[string]['breakout']>;

const defaultFirst = (first: string | undefined, all: readonly string[]): string[] => (first === undefined ? [...all] : union([speedOf(first)], all));

type PortSpec = NonNullable<Document<'SwitchProfile'>['spec']['ports']>[string];

const convertPort = (port: string, { nos, label, group, profile, pipeline }: PortSpec, { portGroups }: Document<'SwitchProfile'>['spec']) => ({
  interface: (nos ?? port).replaceAll('/', '-'),
  ...optional('type', profile ?? portGroups?.[group ?? '']?.profile),
  ...optional('label', label),
  ...optional('group', group),
  ...optional('pipeline', pipeline),
});

const featuresOf = ({ subinterfaces, acls, l2vni, l3vni, eslag }: Readonly<Record<string, boolean>>): NonNullable<SwitchProfileSpec['features']> => ({
  ...optional('subinterfaces', subinterfaces),
  ...optional('acls', acls),
  ...optional('l2vni', l2vni),
  ...optional('l3vni', l3vni),
  ...optional('multihoming', eslag),
});

/** `SPEED_25GB` and `25G` are the same. */
export const speedOf = (text: string): string => text.replace(/^SPEED_/, '').replace(/B$/, '');

const fecs: Readonly<Record<string, 'rs' | 'fc' | 'auto' | 'none'>> = { rs: 'rs', fc: 'fc', auto: 'auto', disabled: 'none' };

/** Undefined when it is none that they have. */
export const fecOf = (text: string): 'rs' | 'fc' | 'auto' | 'none' | undefined => fecs[text];
