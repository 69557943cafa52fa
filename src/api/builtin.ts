/**
 * Objects that the server creates at its first start. Only what describes software that ships with Heddle: a Fabric and
 * an AddressSpace say how an operator's network is numbered, and nobody can know that for them.
 */
import type { SwitchProfileSpec } from './kinds/switchprofile.ts';
import { apiVersion, type Resource } from './object.ts';

const portCount = 64;

/**
 * A Linux machine as a switch. Its tables are memory and have no size of their own: the capacity is an estimate of what a
 * machine of a few GiB holds, not a measurement, and a profile of one's own may say otherwise.
 */
const linuxSoft: Resource<SwitchProfileSpec> = {
  apiVersion,
  kind: 'SwitchProfile',
  metadata: { name: 'linux-soft' },
  spec: {
    displayName: 'Linux software switch',
    driver: 'linux',
    ports: Object.fromEntries(
      Array.from({ length: portCount }, (_, index) => [`E1/${index + 1}`, { interface: `swp${index + 1}` }]),
    ),
    capacity: { vrfs: 1000, segments: 4000, routes: 1_000_000 },
  },
};

export const builtinObjects: readonly Resource[] = [linuxSoft];
