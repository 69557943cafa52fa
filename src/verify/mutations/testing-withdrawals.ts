/**
 * Faults over time: something is taken back or changed, and rows that should go stay, or rows that should change stay as they
 * are. Where nothing else is said, everything else is withdrawn as it should be.
 */
import { prefix, vlan, type Fault } from './testing-fault.ts';
import { change } from './testing-worlds.ts';

const same = (spec: object): object => spec;
const listOr = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const a3 = ['VPCAttachment/default/a3'];
const shop = ['VPC/default/shop'];
const database = ['SecurityPolicy/default/database'];

export const withdrawalFaults: readonly Fault[] = [
  {
    name: 'an attachment is deleted, its port stays in the segment',
    step: { remove: a3 },
    make: (goal) => {
      goal.forget('attachment');
      goal.forget('segment');
    },
    blames: [...a3, ...shop, 'Connection/a3'],
  },
  { name: 'an attachment is deleted, its host stays', step: { remove: ['VPCAttachment/default/a3-deep'] }, make: (goal) => goal.forget('host'), blames: ['VPCAttachment/default/a3-deep', ...shop] },
  {
    name: 'the attachment of a multihomed server is deleted, its port stays in the segment',
    step: { remove: ['VPCAttachment/default/m1-twin'] },
    make: (goal) => {
      goal.forget('attachment');
      goal.forget('segment');
      goal.forget('member');
    },
    blames: ['VPCAttachment/default/m1-twin', 'VPC/default/twin', 'Connection/m1'],
  },
  {
    name: 'the last server of a VPC at a leaf goes, the leaf still holds the VPC',
    step: { remove: ['VPCAttachment/default/a2'] },
    make: (goal) => goal.forget('member'),
    blames: ['VPC/default/routed', 'VPCAttachment/default/a2', 'Switch/leaf-2'],
  },
  {
    name: 'a peering is deleted, one half stays',
    step: { remove: ['VPCPeering/default/shop--bank'] },
    make: (goal) => {
      goal.forget('leak', ({ vrf }) => vrf === goal.vrf('default/shop').name);
      goal.forget('member');
    },
    blames: ['VPCPeering/default/shop--bank', ...shop, 'VPC/partner/bank'],
  },
  {
    name: 'a peering is deleted and stays whole',
    step: { remove: ['VPCPeering/default/shop--bank'] },
    make: (goal) => {
      goal.forget('leak');
      goal.forget('member');
    },
    blames: ['VPCPeering/default/shop--bank', ...shop, 'VPC/partner/bank'],
  },
  {
    name: 'consent is taken back, the peering stays',
    step: { remove: ['PeeringConsent/partner/for-shop'] },
    make: (goal) => {
      goal.forget('leak');
      goal.forget('member');
    },
    blames: ['VPCPeering/default/shop--bank', 'PeeringConsent/partner/for-shop', ...shop, 'VPC/partner/bank'],
  },
  {
    name: 'an ExternalPeering is deleted, the way out stays',
    step: { remove: ['ExternalPeering/default/shop--internet'] },
    make: (goal) => {
      goal.forget('leak');
      goal.forget('member');
    },
    blames: ['ExternalPeering/default/shop--internet', ...shop, 'External/internet'],
  },
  { name: 'a slice of mappings is deleted, they stay', step: { remove: ['MappingSlice/default/storage'] }, make: (goal) => goal.forget('mapping'), blames: ['MappingSlice/default/storage', ...shop] },
  { name: 'a slice loses one mapping, which stays', step: change('MappingSlice', 'storage', (spec) => ({ ...spec, mappings: [{ address: '10.1.1.100', mac: '02:00:00:00:0a:01', vtep: '198.18.0.1' }] })), make: (goal) => goal.forget('mapping'), blames: ['MappingSlice/default/storage', ...shop] },
  {
    name: 'a mapping moves to another VTEP and stays where it was',
    step: change('MappingSlice', 'storage', (spec) => ({ ...spec, mappings: [{ address: '10.1.1.100', mac: '02:00:00:00:0a:01', vtep: '198.18.0.7' }] })),
    make: (goal) => goal.stale('mapping'),
    blames: ['MappingSlice/default/storage'],
  },
  {
    name: 'a server loses the label that a policy permits, and stays in the set',
    step: change('VPCAttachment', 'a1-services', same, { labels: { role: 'none' } }),
    make: (goal) => goal.forget('aclMember'),
    blames: [...database, 'VPCAttachment/default/a1-services'],
  },
  {
    name: 'a server gets the label of the subjects of a policy, and is in no set (IPv6)',
    step: change('VPCAttachment', 'a1-services', same, { labels: { role: 'database' } }),
    make: (goal) => {
      const { name } = goal.vrf('default/services');
      const [set] = goal.get(goal.vpc('default/services'), 'acl', `${name}/database/ingress`).value.subjectSets;
      goal.drop(goal.vpc('default/services'), 'aclMember', `${name}/${set}/fd00:3:1::2/128`);
    },
    blames: [...database, 'VPCAttachment/default/a1-services'],
  },
  { name: 'a policy is deleted, its filter stays', step: { remove: ['SecurityPolicy/default/outwards'] }, make: (goal) => goal.forget('acl'), blames: ['SecurityPolicy/default/outwards', 'VPC/default/routed'] },
  {
    name: 'a policy gets a rule, its filter stays as it was',
    step: change('SecurityPolicy', 'outwards', (spec) => ({ ...spec, egress: [{ to: [{ cidr: '10.0.0.0/8' }] }] })),
    make: (goal) => goal.stale('acl'),
    blames: ['SecurityPolicy/default/outwards'],
  },
  {
    name: 'subnets are isolated, the rows of that do not come',
    step: change('VPC', 'routed', (spec) => ({ ...spec, defaultIsolated: true })),
    make: (goal) => {
      for (const subnet of ['default/routed/default', 'default/routed/more']) goal.drop(goal.vpc('default/routed'), 'isolation', `${goal.segment(subnet)}`);
    },
    blames: ['VPC/default/routed'],
  },
  {
    name: 'isolation ends, its row stays',
    step: change('VPC', 'shop', (spec) => ({ ...spec, permit: [['front', 'back', 'deep', 'closed']] })),
    make: (goal) => goal.forget('isolation'),
    blames: shop,
  },
  {
    name: 'a static route is deleted and stays',
    step: change('VPC', 'shop', (spec) => ({ ...spec, staticRoutes: [] })),
    make: (goal) => goal.forget('route', ({ prefix: of }) => of === prefix('10.99.0.0/24')),
    blames: shop,
  },
  {
    name: 'a subnet lets hosts announce no longer, on one leaf they still may',
    step: change('VPC', 'services', () => ({ subnets: { default: { cidr: '10.3.1.0/24', ipv6: { cidr: 'fd00:3:1::/64' } } } })),
    make: (goal) => goal.forget('hostPeering', (_, scope) => scope === 'device/leaf-3'),
    blames: ['VPC/default/services'],
  },
  {
    name: 'an External is met at one border less, whose port stays',
    step: change('External', 'internet', ({ attachments, ...spec }) => ({ ...spec, attachments: listOr(attachments).slice(0, 2) })),
    make: (goal) => {
      goal.forget('vrfPort');
      goal.forget('vrfPeer');
      goal.forget('member');
    },
    blames: ['External/internet'],
  },
  {
    name: 'the VLAN of an attachment changes, one member of the group stays as it was',
    step: change('VPCAttachment', 'm1-twin', (spec) => ({ ...spec, vlan: 31 })),
    make: (goal) => {
      goal.put('device/leaf-2', { table: 'attachment', key: 'es-1.30', value: { port: 'es-1', segment: goal.segment('default/twin/default'), vlan: vlan(30) } });
    },
    blames: ['VPCAttachment/default/m1-twin', 'VPC/default/twin'],
  },
  {
    name: 'a server moves to another subnet, its leaf stays as it was',
    step: change('VPCAttachment', 'a1', (spec) => ({ ...spec, subnet: 'front' })),
    make: (goal) => goal.freeze('leaf-1'),
    blames: ['VPCAttachment/default/a1'],
  },
  {
    name: 'a VPC is deleted, its VRF stays',
    step: { remove: ['VPCAttachment/default/m1-twin', 'VPCAttachment/default/c3-twin', 'VPC/default/twin'] },
    make: (goal) => goal.forget('vrf'),
    // The VPC is gone; what is left of it is who had the VNI.
    blames: ['VPC/default/twin', 'Claim/vni-5012'],
  },
  {
    name: 'the model of a switch is found to hold fewer hosts, and more are put on it',
    step: change('SwitchProfile', 'small', (spec) => ({ ...spec, capacity: { hosts: 4 } }), { acceptsAll: true }),
    make: (goal) => {
      for (const table of ['attachment', 'host', 'segment', 'member'] as const) goal.restore(table);
    },
    blames: ['Switch/leaf-3', 'SwitchProfile/small', 'Switch/leaf-2', 'Switch/leaf-1'],
  },
];
