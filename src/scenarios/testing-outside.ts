/** Networks outside by chance: how they are met, what they announce, and which VPCs peer with them. */
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { readWiring, type ShortObject } from './scenario.ts';

const vpcNames = ['v1', 'v2', 'v3'] as const;
const servers = [['a1', 'leaf-1'], ['b1', 'leaf-1'], ['a2', 'leaf-2'], ['b2', 'leaf-2']] as const;
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(arbitrary, { nil: undefined });

/** VPCs that are there before anything else. */
export const peeredVpcs = vpcNames.map((name, index): ShortObject => ({
  kind: 'VPC',
  name,
  spec: { subnets: { front: { cidr: `10.${index + 1}.1.0/24`, ipv6: { cidr: `fd00:${index + 1}::/64` } }, back: { cidr: `10.${index + 1}.2.0/24` } } },
}));

const attachment = fc
  .record({ place: fc.constantFrom(...servers), vpc: fc.constantFrom(...vpcNames), subnet: fc.constantFrom('front', 'back') })
  .map(({ place: [server, leaf], vpc, subnet }): ShortObject => ({ kind: 'VPCAttachment', name: server, spec: { vpc, subnet, connection: `${server}--${leaf}` } }));

const peering = fc
  .constantFrom(['v1', 'v2'], ['v2', 'v3'], ['v3', 'v1'])
  .map(([left, right]): ShortObject => ({ kind: 'VPCPeering', name: `${left}--${right}`, spec: { permit: [[{ vpc: left }, { vpc: right }]] } }));

const statement = fc.record(
  {
    action: fc.constantFrom('permit', 'deny'),
    protocol: fc.constantFrom('tcp', 'udp', 'icmp'),
    source: fc.constantFrom('203.0.113.0/24', '0.0.0.0/0'),
    destination: fc.constantFrom('10.1.0.0/16', '10.2.1.0/24'),
  },
  { requiredKeys: ['action'] },
);

/** Where the two networks are met. The second also says that it has what belongs inside. */
const places = {
  internet: [['internet--border-1', '192.0.2.1/31', '192.0.2.0'], ['internet--border-2', '192.0.2.3/31', '192.0.2.2']],
  partner: [['partner--border-2', '192.0.2.5/31', '192.0.2.4']],
} as const;
const annotations = {
  internet: { 'lab.heddle.dev/addresses': '203.0.113.1', 'lab.heddle.dev/announces': '0.0.0.0/0 203.0.113.0/24' },
  partner: { 'lab.heddle.dev/addresses': '198.51.100.1', 'lab.heddle.dev/announces': '198.51.100.0/24 10.1.1.0/25 10.2.0.0/16' },
} as const;

const own = { internet: '203.0.113.0/24', partner: '198.51.100.0/24' } as const;
const limits = {
  internet: { 25: ['203.0.113.128/25'], 16: ['203.0.0.0/16'] },
  partner: { 25: ['198.51.100.128/25'], 16: ['198.51.0.0/16', '10.2.0.0/16'] },
} as const;

const external = fc
  .record({
    name: fc.constantFrom('internet', 'partner'),
    isStatic: fc.boolean(),
    places: fc.nat(2),
    inboundACL: maybe(fc.array(statement, { minLength: 1, maxLength: 3 })),
    limit: maybe(fc.constantFrom(25, 16)),
  })
  .map(({ name, isStatic, places: most, inboundACL, limit }): ShortObject => ({
    kind: 'External',
    name,
    annotations: annotations[name],
    spec: {
      // Each its own: where two networks have a prefix, one peering is refused it.
      ...(isStatic ? { static: { prefixes: [own[name]] } } : { bgp: limit === undefined ? {} : { prefixes: limits[name][limit] } }),
      attachments: places[name].slice(0, most).map(([connection, address, router]) =>
        ({ connection, address, ...(isStatic ? { nextHop: router } : { neighbor: { address: router, asn: 65010 } }) })),
      inboundACL,
    },
  }));

const externalPeering = fc
  .record({
    vpc: fc.constantFrom(...vpcNames),
    external: fc.constantFrom('internet', 'partner'),
    subnets: fc.constantFrom(undefined, ['front'], ['front', 'back']),
    wide: fc.boolean(),
  })
  .map(({ vpc, external: name, subnets, wide }): ShortObject => ({
    kind: 'ExternalPeering',
    name: `${vpc}--${name}`,
    // A default route to one network only: two equal prefixes are refused.
    spec: { vpc, subnets, external: name, prefixes: name === 'internet' && wide ? ['0.0.0.0/0'] : [name === 'internet' ? '203.0.113.0/24' : '198.51.100.0/24'] },
  }));

/** One change of networks outside and of who meets them. */
export const outsideObject = fc.oneof(
  { weight: 5, arbitrary: attachment },
  { weight: 2, arbitrary: peering },
  { weight: 4, arbitrary: external },
  { weight: 5, arbitrary: externalPeering },
);

export const outsideWiring = (): Resource[] => readWiring(fileURLToPath(new URL('../../testdata/scenarios/wirings/outside.yaml', import.meta.url)));
