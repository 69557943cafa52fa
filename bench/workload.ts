/**
 * The workload that all benchmarks share, so that their figures can be put side by side and beside a peer's. W(n) is n VPCs
 * of 4 subnets with 10 attachments each, on 4n leaves with one Server of 10 cabled ports each. Attachments are dealt to the
 * leaves round robin: a VPC is on 40 leaves and a leaf holds ports of 10 VPCs, which is how a busy cloud looks and the
 * hardest case for a controller. Some ports more are cabled but not attached, for what is added later. Pure.
 */
import { apiVersion, type Resource } from '../src/api/object.ts';
import { objectOr } from '../src/kit/json.ts';

export const subnetsPerVpc = 4;
export const attachmentsPerSubnet = 10;
export const attachmentsPerVpc = subnetsPerVpc * attachmentsPerSubnet;
const leavesPerVpc = 4;
const portsPerLeaf = attachmentsPerVpc / leavesPerVpc;
const uplinksPerLeaf = 2;
/** Ports of a leaf: servers from 1, spares from 11, uplinks 49 and 50. */
const firstUplink = 49;
const sparesPerLeaf = firstUplink - 1 - portsPerLeaf;
const spinePorts = 128;
/** Enough for ten more VPCs. */
const mostSpares = 400;

export interface WorkloadOptions {
  /** Spines, and two uplinks a leaf. Default false: then the leaves stand alone. */
  readonly underlay?: boolean;
}

export interface Workload {
  /** Fabric, profiles, address space, switches, servers and connections. */
  readonly fabric: readonly Resource[];
  /** VPCs, each followed by its attachments. */
  readonly tenants: readonly Resource[];
  readonly vpcs: number;
  readonly leaves: number;
  readonly attachments: number;
  /** How many ports are cabled and not attached: what `addAttachment` can take. */
  readonly spares: number;
}

/** W(n), in the order in which an operator would apply it; every object is as a user writes it. */
export const workload = (vpcs: number, { underlay = false }: WorkloadOptions = {}): Workload => {
  const leaves = vpcs * leavesPerVpc;
  const spares = Math.min(mostSpares, leaves * sparesPerLeaf);
  const fabric = [...pools(), ...range(leaves).flatMap((leaf) => leafObjects(leaf, leaves, spares)), ...(underlay ? spines(leaves) : [])];
  const tenants = range(vpcs).flatMap((number) => [vpc(number), ...attachmentsOf(number, leaves)]);
  return { fabric, tenants, vpcs, leaves, attachments: vpcs * attachmentsPerVpc, spares };
};

/** One attachment more: the spare port of this number joins a subnet of one of the VPCs that there are. */
export const addAttachment = ({ vpcs, leaves }: Workload, spare: number): Resource =>
  spareAttachment(spare, leaves, spare % vpcs, spare % subnetsPerVpc);

/** A VPC with one subnet more than it had. */
export const addSubnet = (number: number): Resource => vpc(number, subnetsPerVpc + 1);

/** A VPC that was not there, with 40 attachments on spare ports, from `firstSpare` on. */
export const addVpc = ({ vpcs, leaves }: Workload, number: number, firstSpare = 0): Resource[] => [
  vpc(vpcs + number),
  ...range(attachmentsPerVpc).map((port) => spareAttachment(firstSpare + port, leaves, vpcs + number, port % subnetsPerVpc)),
];

/** All subnets of a VPC and of another may reach each other. */
export const peerTwoVpcs = (left: number, right: number): Resource =>
  object('VPCPeering', `${vpcName(left)}--${vpcName(right)}`, { permit: [[{ vpc: vpcName(left) }, { vpc: vpcName(right) }]] });

/**
 * What all servers of a VPC may be sent and may send: the rules that OVN's VPCs have in bench/peers, and with `rules` more.
 * Whom else it speaks of are servers with a label, which nobody has until `relabel` gives it.
 */
export const policyOf = (number: number, rules = 0): Resource =>
  object('SecurityPolicy', `${vpcName(number)}-guard`, {
    vpc: vpcName(number),
    subjects: { attachments: {} },
    ingress: [
      { ports: [{ protocol: 'icmp' }] },
      { ports: [{ protocol: 'tcp', port: 22 }] },
      { ports: [{ protocol: 'tcp', port: 443 }] },
      { from: [{ attachments: { matchLabels: { tier: 'monitor' } } }], ports: [{ protocol: 'tcp', port: 9100 }] },
      ...range(rules).map((rule) => ({ ports: [{ protocol: 'tcp', port: 8000 + rule }] })),
    ],
    egress: [{ to: [{ cidr: '10.0.0.0/8' }] }],
  });

/** An attachment that there is, with the label that every policy asks for. */
export const relabel = (before: Resource): Resource => ({ ...before, metadata: { ...before.metadata, labels: { tier: 'monitor' } } });

/** A leaf that is not cabled yet. */
export const leafSwitch = (leaf: number): Resource => object('Switch', leafName(leaf), { role: 'leaf', profile: 'leaf' });

/** The profile, with one port more than it had. */
export const widerProfile = (before: Resource): Resource => {
  const { ports } = before.spec as { ports: object };
  return { ...before, spec: { ...objectOr(before.spec), ports: { ...ports, 'E1/99': { interface: 'swp99' } } } };
};

/** The Fabric, with room for twice as many leaves. */
export const largerPools = (before: Resource): Resource => ({
  ...before,
  spec: { ...objectOr(before.spec), underlay: { ...poolsOfUnderlay, vteps: '172.16.0.0/15' } },
});

/** Number of the leaf that a VPC's attachment is dealt to. */
export const leafOfAttachment = (vpcNumber: number, attachment: number, leaves: number): number =>
  (vpcNumber * attachmentsPerVpc + attachment) % leaves;

export const leafName = (number: number): string => `leaf-${number}`;
export const vpcName = (number: number): string => `vpc-${number}`;
export const subnetName = (number: number): string => `subnet-${number}`;

const tenantKinds = new Set(['VPC', 'VPCAttachment', 'VPCPeering', 'SecurityPolicy']);

const object = (kind: string, name: string, spec: unknown): Resource => ({
  apiVersion,
  kind,
  metadata: tenantKinds.has(kind) ? { name, namespace: 'default' } : { name },
  spec,
});

const range = (length: number): number[] => Array.from({ length }, (_, number) => number);

const poolsOfUnderlay = { routerIDs: '172.18.0.0/16', vteps: '172.16.0.0/16' };

const pools = (): Resource[] => [
  object('Fabric', 'default', { underlay: poolsOfUnderlay }),
  profile('leaf', firstUplink - 1 + uplinksPerLeaf),
  profile('spine', spinePorts),
  object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] }),
];

const profile = (name: string, ports: number): Resource =>
  object('SwitchProfile', name, {
    ports: Object.fromEntries(range(ports).map((port) => [`E1/${port + 1}`, { interface: `swp${port + 1}` }])),
  });

/** A leaf, the server beside it and the cables between the two: 10 for attachments, and its share of the spares. */
const leafObjects = (leaf: number, leaves: number, spares: number): Resource[] => {
  const ports = portsPerLeaf + Math.floor(spares / leaves) + (leaf < spares % leaves ? 1 : 0);
  const macs = range(ports).map((port) => [`eth${port + 1}`, { mac: macOf(leaf, port) }]);
  return [
    leafSwitch(leaf),
    object('Server', serverName(leaf), { ports: Object.fromEntries(macs) }),
    ...range(ports).map((port) =>
      object('Connection', connectionName(leaf, port), {
        links: [{ ends: [`${serverName(leaf)}/eth${port + 1}`, `${leafName(leaf)}/E1/${port + 1}`] }],
      }),
    ),
  ];
};

const serverName = (leaf: number): string => `server-${leaf}`;
const connectionName = (leaf: number, port: number): string => `server-${leaf}-eth${port + 1}`;

/** Locally administered; unique for each port. */
const macOf = (leaf: number, port: number): string => {
  const number = (leaf * 256 + port).toString(16).padStart(10, '0');
  return `02${number}`.replaceAll(/(..)(?!$)/g, '$1:');
};

/** As many spines as it takes to give every leaf two uplinks, each to another spine. */
const spines = (leaves: number): Resource[] => {
  const count = Math.max(uplinksPerLeaf, Math.ceil((leaves * uplinksPerLeaf) / spinePorts));
  const cables = range(leaves * uplinksPerLeaf).map((cable) => {
    const [leaf, uplink] = [Math.floor(cable / uplinksPerLeaf), cable % uplinksPerLeaf];
    const ends = [`spine-${cable % count}/E1/${Math.floor(cable / count) + 1}`, `${leafName(leaf)}/E1/${firstUplink + uplink}`];
    return object('Connection', `${leafName(leaf)}-uplink-${uplink}`, { links: [{ ends }] });
  });
  return [...range(count).map((spine) => object('Switch', `spine-${spine}`, { role: 'spine', profile: 'spine' })), ...cables];
};

const vpc = (number: number, subnets = subnetsPerVpc): Resource => {
  const specs = range(subnets).map((subnet) => [subnetName(subnet), { cidr: cidrOf(number, subnet) }]);
  return object('VPC', vpcName(number), { subnets: Object.fromEntries(specs) });
};

/** 10.0.0.0/9 holds the subnets that every VPC begins with, 10.128.0.0/9 the one that `addSubnet` adds. */
const cidrOf = (vpcNumber: number, subnet: number): string => {
  const network = subnet < subnetsPerVpc ? vpcNumber * subnetsPerVpc + subnet : 0x80_00 + vpcNumber;
  return `10.${network >> 8}.${network & 0xff}.0/24`;
};

const attachmentsOf = (vpcNumber: number, leaves: number): Resource[] =>
  range(attachmentsPerVpc).map((attachment) => {
    const position = vpcNumber * attachmentsPerVpc + attachment;
    const connection = connectionName(leafOfAttachment(vpcNumber, attachment, leaves), Math.floor(position / leaves));
    return attach(`${vpcName(vpcNumber)}-${attachment}`, vpcNumber, attachment % subnetsPerVpc, connection);
  });

const spareAttachment = (spare: number, leaves: number, vpcNumber: number, subnet: number): Resource => {
  const connection = connectionName(spare % leaves, portsPerLeaf + Math.floor(spare / leaves));
  return attach(`spare-${spare}`, vpcNumber, subnet, connection);
};

const attach = (name: string, vpcNumber: number, subnet: number, connection: string): Resource =>
  object('VPCAttachment', name, { vpc: vpcName(vpcNumber), subnet: subnetName(subnet), connection });
