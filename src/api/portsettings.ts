/** What a Switch says of its ports, against what its profile offers: all that is wrong with it, and what of it stands. */
import {
  type PortCatalogue,
  type PortEntry,
  type PortSetting,
  type PortSettings,
  type SettingFault,
  breakoutOf,
  entryOf,
  laneOf,
  speedsOf,
  typeOf,
} from './ports.ts';

export interface Limits {
  readonly maxPorts?: number;
  readonly pipelines?: { readonly [pipeline: string]: { readonly maxPorts: number } };
}

export interface CheckedSettings {
  /** Those without a fault; faulty ones leave the port as its profile has it. */
  readonly settings: PortSettings;
  readonly faults: readonly SettingFault[];
}

/** @param profile its name, for messages */
export const checkSettings = (profile: string, catalogue: PortCatalogue & Limits, wanted: PortSettings): CheckedSettings => {
  const single = Object.entries(wanted).map(([port, setting]) => ({ port, setting, faults: faultsOf(profile, catalogue, wanted, port, setting) }));
  const sound = Object.fromEntries(single.flatMap(({ port, setting, faults }) => (faults.length === 0 ? [[port, setting] as const] : [])));
  const together = [...groupFaults(profile, catalogue, sound), ...limitFaults(profile, catalogue, sound)];
  const out = new Set(together.map(({ port }) => port));
  const settings = Object.fromEntries(Object.entries(sound).filter(([port]) => !out.has(port) && !out.has(laneOf(port)?.base ?? port)));
  return { settings, faults: [...single.flatMap(({ faults }) => faults), ...together] };
};

const quoted = (words: readonly string[]): string => words.map((word) => `"${word}"`).join(', ');

const faultsOf = (profile: string, catalogue: PortCatalogue, wanted: PortSettings, port: string, setting: PortSetting): SettingFault[] => {
  const entry = entryOf(catalogue, port);
  if (entry !== undefined) return portFaults(profile, catalogue, port, entry, setting);
  const { base = '', lane = 0 } = laneOf(port) ?? {};
  const whole = entryOf(catalogue, base);
  if (whole === undefined) {
    const names = Object.keys(catalogue.ports);
    return [{ port, code: 'UnknownPort', message: `profile "${profile}" has no port "${port}"; it has "${names[0]}" to "${names.at(-1)}"` }];
  }
  const mode = wanted[base]?.breakout;
  const lanes = breakoutOf(mode ?? '')?.lanes ?? 0;
  if (lane > lanes) {
    const is = mode === undefined ? 'is not broken out' : `is broken out into ${mode}`;
    return [{ port, code: 'UnknownPort', message: `port "${base}" ${is}, so it has no lane ${lane}; correct this or its breakout` }];
  }
  return fecFaults(profile, catalogue, port, whole, setting);
};

const portFaults = (profile: string, catalogue: PortCatalogue, port: string, entry: PortEntry, setting: PortSetting): SettingFault[] => {
  const { speed, breakout } = setting;
  const faults: SettingFault[] = [];
  const speeds = speedsOf(catalogue, entry);
  if (speed !== undefined && !speeds.includes(speed)) {
    const message = offer(`"${speed}" is no speed of port "${port}"`, 'speed', profile, speeds);
    faults.push({ port, member: 'speed', code: 'UnsupportedSpeed', message });
  }
  const { breakouts = [] } = typeOf(catalogue, entry);
  if (breakout !== undefined && !breakouts.includes(breakout)) {
    const message = offer(`port "${port}" cannot be broken out into "${breakout}"`, 'breakout', profile, breakouts);
    faults.push({ port, member: 'breakout', code: 'UnsupportedBreakout', message });
  }
  return [...faults, ...fecFaults(profile, catalogue, port, entry, setting)];
};

const fecFaults = (profile: string, catalogue: PortCatalogue, port: string, entry: PortEntry, { fec }: PortSetting): SettingFault[] => {
  const { fec: modes = [] } = typeOf(catalogue, entry);
  if (fec === undefined || modes.includes(fec)) return [];
  return [{ port, member: 'fec', code: 'UnsupportedFEC', message: offer(`port "${port}" cannot do FEC "${fec}"`, 'fec', profile, modes) }];
};

const offer = (what: string, member: string, profile: string, choice: readonly string[]): string =>
  choice.length === 0
    ? `${what}: profile "${profile}" lets nothing be set there; remove ${member}`
    : `${what}; its profile "${profile}" offers ${quoted(choice)}`;

/** A speed that is set for some ports of a group must be set for all that are not broken out. */
const groupFaults = (profile: string, catalogue: PortCatalogue, settings: PortSettings): SettingFault[] => {
  const grouped = Object.entries(settings).flatMap(([port, { speed }]) => {
    const group = entryOf(catalogue, port)?.group;
    return group === undefined || speed === undefined ? [] : [{ port, group, speed }];
  });
  const speedOf = (port: string, entry: PortEntry): string | undefined => settings[port]?.speed ?? entry.speed ?? speedsOf(catalogue, entry)[0];
  return grouped.flatMap(({ port, group, speed }): SettingFault[] => {
    const members = Object.entries(catalogue.ports).filter(([name, entry]) => entry.group === group && settings[name]?.breakout === undefined);
    const other = members.find(([name, entry]) => speedOf(name, entry) !== speed);
    if (other === undefined) return [];
    const message = `ports ${members.map(([name]) => name).join(', ')} of profile "${profile}" run at one speed, but "${other[0]}" at "${speedOf(...other)}"; set "${speed}" for all of them`;
    return [{ port, member: 'speed', code: 'SpeedOfGroup', message }];
  });
};

/** Ports are broken out in the order of the profile until there is no room for more; the others stay whole. */
const limitFaults = (profile: string, catalogue: PortCatalogue & Limits, settings: PortSettings): SettingFault[] => {
  const data = Object.keys(catalogue.ports).filter((port) => port.startsWith('E'));
  const lanes = (port: string): number => breakoutOf(settings[port]?.breakout ?? '')?.lanes ?? 1;
  const over = (what: string, ports: readonly string[], most: number | undefined): SettingFault[] => {
    let total = ports.length;
    return ports.flatMap((port): SettingFault[] => {
      const more = lanes(port) - 1;
      const fits = more === 0 || most === undefined || total + more <= most;
      if (fits) total += more;
      const message = `${what} of profile "${profile}" has at most ${most} ports at once, and ${total} without this; break out fewer`;
      return fits ? [] : [{ port, member: 'breakout', code: 'TooManyPorts', message }];
    });
  };
  const pipelines = Object.entries(catalogue.pipelines ?? {}).flatMap(([pipeline, { maxPorts }]) =>
    over(`pipeline "${pipeline}"`, data.filter((port) => catalogue.ports[port]?.pipeline === pipeline), maxPorts),
  );
  return [...over('a switch', data, catalogue.maxPorts), ...pipelines];
};
