/** What tenants declare, by chance: VPCs of both modes and families, attachments, peerings, policies, on the fabric of the scenarios. */
import * as fc from 'fast-check';
import type { Resource } from '../api/object.ts';
import { expand, readWiring, type ShortObject } from './scenario.ts';

const names = ['front', 'back', 'side'] as const;
const vpcNames = ['v1', 'v2', 'v3'] as const;
const places = [['a1', 'leaf-1'], ['b1', 'leaf-1'], ['a2', 'leaf-2'], ['b2', 'leaf-2']] as const;
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(arbitrary, { nil: undefined });
const label = fc.constantFrom('web', 'db');

const subnet = (vpc: number, index: number) =>
  fc.record(
    {
      cidr: fc.constant(`10.${vpc}.${index}.0/24`),
      ipv6: maybe(fc.constant({ cidr: `fd00:${vpc}:${index}::/64` })),
      isolated: maybe(fc.boolean()),
      restricted: maybe(fc.boolean()),
      labels: maybe(fc.record({ tier: label })),
    },
  );

const vpc = fc.constantFrom(0, 1, 2).chain((index) =>
  fc
    .record({
      mode: fc.constantFrom('l2', 'l3'),
      subnets: fc.tuple(...names.map((_, each) => subnet(index + 1, each))).map((list) => Object.fromEntries(list.map((each, n) => [names[n], each]))),
      defaultIsolated: maybe(fc.boolean()),
      defaultRestricted: maybe(fc.boolean()),
      permit: fc.array(fc.constantFrom(['front', 'back'], ['back', 'side'], ['front', 'back', 'side']), { maxLength: 1 }),
    })
    .map((spec): ShortObject => ({ kind: 'VPC', name: vpcNames[index] ?? '', spec })),
);

const attachment = fc
  .record({ place: fc.constantFrom(...places), vpc: fc.constantFrom(...vpcNames), subnet: fc.constantFrom(...names), vlan: fc.constantFrom(undefined, 10, 20), tier: label })
  .map(({ place: [server, leaf], vpc: of, subnet: at, vlan, tier }): ShortObject => ({
    kind: 'VPCAttachment',
    name: `${server}-${vlan ?? 0}`,
    labels: { tier },
    spec: { vpc: of, subnet: at, connection: `${server}--${leaf}`, ...(vlan !== undefined && { vlan }) },
  }));

const side = (of: string) =>
  fc.record({ vpc: fc.constant(of), subnets: fc.option(fc.subarray([...names], { minLength: 1 }), { nil: undefined }) });
const peering = fc.constantFrom(['v1', 'v2'], ['v2', 'v3'], ['v3', 'v1']).chain(([left = '', right = '']) =>
  fc
    .array(fc.tuple(side(left), side(right)), { minLength: 1, maxLength: 2 })
    .map((permit): ShortObject => ({ kind: 'VPCPeering', name: `${left}--${right}`, spec: { permit } })),
);

const selector = fc.oneof(label.map((tier) => ({ matchLabels: { tier } })), fc.constant({}));
const peer = fc.oneof(
  selector.map((subnets) => ({ subnets })),
  selector.map((attachments) => ({ attachments })),
  fc.record({ cidr: fc.constantFrom('10.0.0.0/8', '10.1.1.0/24', 'fd00::/16') }),
);
const ports = fc.array(fc.constantFrom({ protocol: 'tcp', port: 443 }, { protocol: 'tcp', port: 80, endPort: 90 }, { protocol: 'udp' }, { protocol: 'icmp' }), { minLength: 1, maxLength: 2 });
const policy = fc
  .record({
    name: fc.constantFrom('p1', 'p2'),
    vpc: fc.constantFrom(...vpcNames),
    subjects: fc.oneof(fc.constant({ all: true }), selector.map((subnets) => ({ subnets })), selector.map((attachments) => ({ attachments }))),
    ingress: maybe(fc.array(fc.record({ from: maybe(fc.array(peer, { minLength: 1, maxLength: 2 })), ports: maybe(ports) }), { maxLength: 2 })),
    egress: maybe(fc.array(fc.record({ to: maybe(fc.array(peer, { minLength: 1, maxLength: 2 })), ports: maybe(ports) }), { maxLength: 2 })),
  })
  .filter(({ ingress, egress }) => ingress !== undefined || egress !== undefined)
  .map(({ name, ...spec }): ShortObject => ({ kind: 'SecurityPolicy', name, spec: JSON.parse(JSON.stringify(spec)) as unknown }));

/** Fabric and servers of the scenarios, with room for IPv6. */
export const insideWiring = (): Resource[] => [...readWiring(), spaces];
const spaces = expand({ kind: 'AddressSpace', name: 'default', spec: { prefixes: ['10.0.0.0/8', 'fd00::/16'] } });
/** One change of what tenants declare. */
export const tenantObject = fc.oneof({ weight: 3, arbitrary: vpc }, { weight: 6, arbitrary: attachment }, { weight: 2, arbitrary: peering }, { weight: 1, arbitrary: policy });
