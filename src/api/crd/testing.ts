/** Wrong specs that neither testdata/errors nor testdata/rules have: `[kind, spec, spec before the update]`. */
const selected = (values?: object) => ({ matchExpressions: [{ key: 'tier', operator: 'In', ...values }] });
const exists = { matchExpressions: [{ key: 'tier', operator: 'Exists', values: ['a'] }] };

const policy = (more: object) => ({ vpc: 'v', subjects: { all: true }, ...more });
const from = (...peers: object[]) => policy({ ingress: [{ from: peers }] });
const to = (...peers: object[]) => policy({ egress: [{ to: peers }] });
const egressPorts = (...ports: object[]) => policy({ egress: [{ ports }] });
const statement = (more: object) => ({ bgp: {}, inboundACL: [{ action: 'permit', ...more }] });
const announcing = (more: object) => ({ subnets: { a: { cidr: '10.1.0.0/24', hostBGP: { prefixes: [{ cidr: '10.9.0.0/16', ...more }] } } } });
const reservations = Object.fromEntries(
  Array.from({ length: 1025 }, (_, n) => [`02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`, { address: '10.1.0.9' }]),
);
const held = (name: string) => ({ pool: 'vni', value: '1', owner: { kind: 'VPC', namespace: '', name, uid: 'u' }, purpose: 'l3' });

export const wrongObjects: readonly (readonly [kind: string, spec: unknown, old?: unknown])[] = [
  ['Fabric', { asns: { leaves: { from: 9, to: 8 } } }],
  ['Fabric', { asns: { spine: 23456 } }],
  ['Fabric', { asns: { leaves: { from: 65500, to: 65600 } } }],
  ['Switch', { role: 'leaf', ports: { 'E1/1': { speed: '25G', breakout: '4x25G' } } }],
  ['Gateway', { fabric: 'b' }, {}],
  ['Server', { ports: {} }],
  ['External', { bgp: { inboundCommunity: '65102:five' } }],
  ['External', statement({ ports: { from: 1 } })],
  ['External', statement({ protocol: 'udp', established: true })],
  ['External', statement({ protocol: 'tcp', icmpType: 8 })],
  ['External', statement({ protocol: 'icmp', icmpCode: 8 })],
  ['External', statement({ protocol: 'tcp', ports: { from: 9, to: 8 } })],
  ['VPC', announcing({ minLength: 30, maxLength: 29 })],
  ['VPC', { subnets: { a: { cidr: '10.1.0.0/16', dhcp: { reservations } } } }],
  ['SecurityPolicy', policy({ directions: ['Ingress'], egress: [] })],
  ['SecurityPolicy', { vpc: 'v', directions: ['Ingress'], subjects: { subnets: selected() } }],
  ['SecurityPolicy', { vpc: 'v', directions: ['Ingress'], subjects: { attachments: exists } }],
  ['SecurityPolicy', from({ subnets: selected() })],
  ['SecurityPolicy', from({ attachments: exists })],
  ['SecurityPolicy', to({ subnets: exists })],
  ['SecurityPolicy', to({ attachments: selected() })],
  ['SecurityPolicy', to({ vpc: 'w', cidr: '10.0.0.0/8' })],
  ['SecurityPolicy', to({ vpc: 'w', except: ['10.0.0.0/8'] })],
  ['SecurityPolicy', egressPorts({ protocol: 'icmp', port: 8 })],
  ['SecurityPolicy', egressPorts({ protocol: 'tcp', port: 9, endPort: 8 })],
  ['Claim', held('b'), held('a')],
];
