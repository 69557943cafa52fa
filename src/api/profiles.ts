/**
 * Models of device that Heddle knows by itself. They are of no vendor: what such devices have in common, with table sizes on
 * the careful side of what their switching chips are sold with. Who knows his own model better declares a profile for it.
 */
import type { SwitchProfileSpec } from './kinds/switchprofile.ts';
import { apiVersion, type Resource } from './object.ts';

type Profile = Resource<SwitchProfileSpec>;
type Ports = SwitchProfileSpec['ports'];
type PortTypes = NonNullable<SwitchProfileSpec['portTypes']>;

const profile = (name: string, spec: SwitchProfileSpec): Profile => ({ apiVersion, kind: 'SwitchProfile', metadata: { name }, spec });

/** `E<unit>/<first>` and on, `swp<first>` and on, all of one type. */
const ports = (count: number, type?: string, first = 1): Ports =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`E1/${first + index}`, { interface: `swp${first + index}`, ...(type === undefined ? {} : { type }) }]),
  );

const portTypes: PortTypes = {
  sfp28: { speeds: ['25G', '10G', '1G'], fec: ['auto', 'rs', 'fc', 'none'] },
  qsfp28: { speeds: ['100G', '40G'], breakouts: ['4x25G', '4x10G', '2x50G'], fec: ['auto', 'rs', 'fc', 'none'] },
  // Lanes of 50 Gbit/s and more are PAM4, which always has RS FEC (IEEE 802.3 clause 134).
  osfp: { speeds: ['800G', '400G'], breakouts: ['2x400G', '4x200G', '8x100G'], fec: ['rs'] },
};

const types = (...names: readonly string[]): PortTypes =>
  Object.fromEntries(Object.entries(portTypes).filter(([name]) => names.includes(name)));

/**
 * A Linux machine as a switch. Its tables are memory and have no size of their own: the capacity is an estimate of what a
 * machine of a few GiB holds, not a measurement, and a profile of one's own may say otherwise.
 */
const linuxSoft = profile('linux-soft', {
  displayName: 'Linux software switch',
  driver: 'linux',
  ports: ports(64),
  capacity: { vrfs: 1000, segments: 4000, routes: 1_000_000 },
});

const leaf25 = profile('leaf-48x25g-8x100g', {
  displayName: 'Leaf, 48 × 25G + 8 × 100G',
  driver: 'linux',
  portTypes: types('sfp28', 'qsfp28'),
  // Four cages of SFP28 share a serialiser, and with it their speed.
  ports: Object.fromEntries([
    ...Object.entries(ports(48, 'sfp28')).map(([name, port], index) => [name, { ...port, group: `${Math.floor(index / 4) + 1}` }] as const),
    ...Object.entries(ports(8, 'qsfp28', 49)),
  ]),
  maxPorts: 80,
  capacity: { vrfs: 900, segments: 3900, hosts: 32_000, routes: 128_000, mappings: 64_000, aclRules: 4000 },
});

const spine100 = profile('spine-32x100g', {
  displayName: 'Spine, 32 × 100G',
  driver: 'linux',
  portTypes: types('qsfp28'),
  ports: ports(32, 'qsfp28'),
  maxPorts: 128,
  features: { multihoming: false },
  capacity: { vrfs: 64, segments: 512, hosts: 16_000, routes: 64_000, mappings: 16_000, aclRules: 2000 },
});

/** One chip of 51.2 Tbit/s in four pipelines, of which each drives at most 80 ports. */
const leaf800 = profile('leaf-64x800g', {
  displayName: 'AI leaf, 64 × 800G',
  driver: 'linux',
  portTypes: types('osfp'),
  ports: Object.fromEntries(
    Object.entries(ports(64, 'osfp')).map(([name, port], index) => [name, { ...port, pipeline: `${Math.floor(index / 16)}` }]),
  ),
  maxPorts: 320,
  pipelines: Object.fromEntries([0, 1, 2, 3].map((pipeline) => [`${pipeline}`, { maxPorts: 80 }])),
  capacity: { vrfs: 1000, segments: 2000, hosts: 64_000, routes: 256_000, mappings: 64_000, aclRules: 4000 },
});

/** Two cables to the network, and the two functions that the host sees. Connection tracking is the gateway's affair. */
const dpu = profile('dpu-2x200g', {
  displayName: 'DPU, 2 × 200G',
  driver: 'linux',
  portTypes: { network: { speeds: ['200G', '100G'], fec: ['rs'] } },
  ports: {
    'E1/1': { interface: 'p0', type: 'network' },
    'E1/2': { interface: 'p1', type: 'network' },
    'E2/1': { interface: 'pf0hpf' },
    'E2/2': { interface: 'pf1hpf' },
  },
  features: { multihoming: false, bundles: false },
  capacity: { vrfs: 256, segments: 512, hosts: 4096, routes: 64_000, mappings: 1_000_000, aclRules: 16_000 },
});

export const builtinProfiles: readonly Profile[] = [linuxSoft, leaf25, spine100, leaf800, dpu];
