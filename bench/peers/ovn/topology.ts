/**
 * The workload in OVN's words (ovn-nb(5), ovn-sb(5)): a VPC is a router with four switches of ten ports, every port with port
 * security, and one port group with six rules. Everything here makes operations of the northbound database; nothing is sent.
 */
import { insert, map, mutateSet, named, set, type Operation, type Row } from '../ovsdb/rows.ts';

export const subnetsPerVpc = 4;
export const portsPerSubnet = 10;

interface Subnet {
  readonly vpc: number;
  readonly subnet: number;
}

const bytes = (number: number): string => [(number >> 8) & 255, number & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
/** A /24 that is no other subnet's: 10.0.0.0/8 has room for 8,192 VPCs of eight subnets. */
export const prefix = ({ vpc, subnet }: Subnet): string => `10.${vpc >> 5}.${(vpc & 31) * 8 + subnet}`;
export const portMac = ({ vpc, subnet }: Subnet, port: number): string => `02:${(subnet + 1).toString(16).padStart(2, '0')}:${bytes(vpc)}:${bytes(port)}`;
export const routerMac = ({ vpc, subnet }: Subnet): string => `06:${(subnet + 1).toString(16).padStart(2, '0')}:${bytes(vpc)}:00:01`;

export const portName = ({ vpc, subnet }: Subnet, port: number): string => `vpc-${vpc}-${subnet}-${port}`;
export const switchName = ({ vpc, subnet }: Subnet): string => `vpc-${vpc}-${subnet}`;
const routerPortName = (at: Subnet): string => `router-${switchName(at)}`;
const identifier = (name: string): string => name.replaceAll('-', '_');
export const groupName = (vpc: number): string => `group_${vpc}`;

/** One server's port: address and port security of one MAC with one IPv4 address. */
export const port = (at: Subnet, number: number): Row => {
  const address = `${portMac(at, number)} ${prefix(at)}.${number + 10}`;
  return { name: portName(at, number), addresses: set([address]), port_security: set([address]) };
};

export interface Rule {
  readonly direction: 'from-lport' | 'to-lport';
  readonly priority: number;
  readonly match: string;
  readonly action: 'allow-related' | 'drop';
}

/** The six rules of a VPC: new connections only for what is allowed, both ways. */
export const rulesOf = (vpc: number): Rule[] => {
  const [sender, receiver] = [`inport == @${groupName(vpc)} && ip4`, `outport == @${groupName(vpc)} && ip4`];
  return [
    { direction: 'from-lport', priority: 1000, match: sender, action: 'drop' },
    { direction: 'from-lport', priority: 1001, match: `${sender} && ip4.dst == 10.0.0.0/8`, action: 'allow-related' },
    { direction: 'to-lport', priority: 1000, match: receiver, action: 'drop' },
    { direction: 'to-lport', priority: 1001, match: `${receiver} && icmp4`, action: 'allow-related' },
    { direction: 'to-lport', priority: 1001, match: `${receiver} && tcp.dst == 22`, action: 'allow-related' },
    { direction: 'to-lport', priority: 1001, match: `${receiver} && tcp.dst == 443`, action: 'allow-related' },
  ];
};

export const oneMoreRule = (vpc: number, tcpPort: number): Rule => ({
  direction: 'to-lport',
  priority: 1002,
  match: `outport == @${groupName(vpc)} && ip4 && tcp.dst == ${tcpPort}`,
  action: 'allow-related',
});

/** A switch with its ports, and the two ports that join it to a router; the router takes `routerPort` among its ports. */
const subnetOf = (at: Subnet, ports: number) => {
  const names = Array.from({ length: ports }, (_, number) => identifier(portName(at, number)));
  const [uplink, routerPort] = [`uplink_${identifier(switchName(at))}`, identifier(routerPortName(at))];
  const operations = [
    ...names.map((name, number) => insert('Logical_Switch_Port', port(at, number), name)),
    insert('Logical_Switch_Port', { name: `uplink-${switchName(at)}`, type: 'router', addresses: set(['router']), options: map({ 'router-port': routerPortName(at) }) }, uplink),
    insert('Logical_Router_Port', { name: routerPortName(at), mac: routerMac(at), networks: set([`${prefix(at)}.1/24`]) }, routerPort),
    insert('Logical_Switch', { name: switchName(at), ports: set([...names, uplink].map(named)) }, identifier(switchName(at))),
  ];
  return { operations, names, routerPort };
};

/** A whole VPC with its forty ports, its router, group and rules. */
export const vpcOf = (vpc: number, rules: readonly Rule[]): Operation[] => {
  const subnets = Array.from({ length: subnetsPerVpc }, (_, subnet) => subnetOf({ vpc, subnet }, portsPerSubnet));
  const ruleNames = rules.map((_, number) => `rule_${vpc}_${number}`);
  return [
    ...subnets.flatMap(({ operations }) => operations),
    insert('Logical_Router', { name: `vpc-${vpc}`, ports: set(subnets.map(({ routerPort }) => named(routerPort))) }, `vpc_${vpc}`),
    ...rules.map((rule, number) => insert('ACL', { ...rule }, ruleNames[number])),
    insert(
      'Port_Group',
      { name: groupName(vpc), ports: set(subnets.flatMap(({ names }) => names.map(named))), acls: set(ruleNames.map(named)) },
      groupName(vpc),
    ),
  ];
};

/** One more empty subnet of a VPC that is there. */
export const oneMoreSubnet = (at: Subnet, router: string): Operation[] => {
  const { operations, routerPort } = subnetOf(at, 0);
  return [...operations, mutateSet('Logical_Router', router, 'insert', 'ports', [named(routerPort)])];
};

/** Joins two routers by a /30 and gives each the four prefixes of the other. */
export const peeringOf = (ends: readonly [End, End], link: number): Operation[] =>
  ends.flatMap((end, side) => {
    const other = ends[1 - side] ?? end;
    const name = (of: End): string => `peer-${of.vpc}-${link}`;
    const address = (of: number): string => `169.254.${link}.${of + 1}`;
    const routes = Array.from({ length: subnetsPerVpc }, (_, subnet) => `${prefix({ vpc: other.vpc, subnet })}.0/24`);
    const routeNames = routes.map((_, number) => `route_${end.vpc}_${link}_${number}`);
    return [
      insert(
        'Logical_Router_Port',
        { name: name(end), peer: name(other), mac: `0a:00:${bytes(link)}:00:0${side + 1}`, networks: set([`${address(side)}/30`]) },
        identifier(name(end)),
      ),
      ...routes.map((ip_prefix, number) =>
        insert('Logical_Router_Static_Route', { ip_prefix, nexthop: address(1 - side), output_port: name(end) }, routeNames[number]),
      ),
      mutateSet('Logical_Router', end.router, 'insert', 'ports', [named(identifier(name(end)))]),
      mutateSet('Logical_Router', end.router, 'insert', 'static_routes', routeNames.map(named)),
    ];
  });

export interface End {
  readonly vpc: number;
  /** Row of its Logical_Router. */
  readonly router: string;
}
