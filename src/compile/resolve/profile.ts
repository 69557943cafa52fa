/** What a model of switch has, as far as others build on it: ports as they are set, tables and features. */
import { portAt, type Fec, type NoPort, type PortCatalogue, type PortSettings, type SettingFault } from '../../api/ports.ts';
import { checkSettings } from '../../api/portsettings.ts';
import { features, type Feature } from '../../api/kinds/switchprofile.ts';
import { error, type CompileFinding } from '../finding.ts';
import { specNamed, type Specs } from '../intent.ts';
import { query, type View } from '../view.ts';
import type { Chassis } from './switch.ts';

/** What a device is told about the light or current in a cable; of what is left out it is told nothing. */
export interface PortMedia {
  readonly speed?: string;
  readonly fec?: Fec;
}

export interface ProfilePort {
  readonly port: string;
  readonly interface: string;
  readonly media?: PortMedia;
}

type Catalogue = Specs['SwitchProfile'];

const noPort: NoPort = { reason: 'unknown' };

/** Key: switch profile. Undefined when there is no such profile. */
export const profileCapacity = query('profileCapacity', (view, name) => specNamed(view, 'SwitchProfile', name)?.capacity);

/** Key: switch profile. What the model lacks. */
export const profileFeatures = query('profileFeatures', (view, name) => specNamed(view, 'SwitchProfile', name)?.features);

export const lackText = ({ name, profile }: Chassis, feature: Feature): string =>
  `Switch "${name}" cannot do this: its profile "${profile.name}" lacks "${feature}" (${features[feature]})`;

/** What a device lacks of these features; `path` is what asks for each. */
export const missing = (view: View, chassis: Chassis, wanted: Iterable<readonly [feature: Feature, path: string]>): CompileFinding[] => {
  const lacks = view.query(profileFeatures, chassis.profile.name);
  if (lacks === undefined) return [];
  return [...wanted].flatMap(([feature, path]) => (lacks[feature] === false ? [error('FeatureMissing', path, `${lackText(chassis, feature)}; use another device`)] : []));
};

/** Key: switch profile and port, with a blank between. The port of a switch that says nothing of its ports. */
export const defaultPort = query('defaultPort', (view, key): ProfilePort | NoPort => {
  const blank = key.indexOf(' ');
  return portOf(view, key.slice(0, blank), noSettings, key.slice(blank + 1));
});

const noSettings: PortSettings = {};

export const portOf = (view: View, profile: string, settings: PortSettings, port: string): ProfilePort | NoPort => {
  const catalogue = specNamed(view, 'SwitchProfile', profile);
  return catalogue === undefined ? noPort : withMedia(catalogue, settings, port);
};

const withMedia = (catalogue: PortCatalogue, settings: PortSettings, name: string): ProfilePort | NoPort => {
  const found = portAt(catalogue, settings, name);
  if ('reason' in found) return found;
  const { port, interface: device, speed, fec } = found;
  if (speed === undefined && fec === undefined) return { port, interface: device };
  return { port, interface: device, media: { ...(speed === undefined ? {} : { speed }), ...(fec === undefined ? {} : { fec }) } };
};

interface Checked {
  readonly settings: PortSettings;
  readonly faults: readonly SettingFault[];
}

/** Key: switch. What it says of its ports, judged; undefined of one that says nothing, which nearly all do. */
export const checkedPorts = query('checkedPorts', (view, name): Checked | undefined => {
  const spec = specNamed(view, 'Switch', name);
  if (spec === undefined || Object.keys(spec.ports).length === 0) return undefined;
  const catalogue: Catalogue | undefined = specNamed(view, 'SwitchProfile', spec.profile);
  return catalogue && checkSettings(spec.profile, catalogue, spec.ports);
});

/** Key: switch. What stands of that: cables depend on it, and not on what is wrong beside it. */
export const portSettings = query('portSettings', (view, name): PortSettings | undefined => view.query(checkedPorts, name)?.settings);

export const profileLayers = [profileCapacity, profileFeatures, defaultPort, checkedPorts, portSettings];
