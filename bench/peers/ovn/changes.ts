/** The changes that are measured, under the names that the figures of Heddle's compiler have. Pure. */
import { insert, mutateSet, named, uuid, type Operation } from '../ovsdb/rows.ts';
import { groupName, oneMoreRule, oneMoreSubnet, peeringOf, port, portName, portsPerSubnet, subnetsPerVpc, vpcOf, type Rule } from './topology.ts';

export interface Change {
  readonly name: string;
  /** The operations of a round; each round's are different, and independent of the others. */
  readonly operations: (round: number) => Operation[];
  /** Rows of Port_Binding that come (or, negative, go) with it. */
  readonly bindings: number;
  /** northd is told to compute everything anew; the operations only mark the end of it. */
  readonly isRecompute?: boolean;
}

/** Ids of the rows that the workload made, by name. */
export interface RowIds {
  readonly routers: ReadonlyMap<string, string>;
  readonly switches: ReadonlyMap<string, string>;
  readonly ports: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
}

/** For the databases of W(n), n at least 2; `rules` are those that a VPC has. */
export const changesOf = (rows: RowIds, vpcs: number, rules: (vpc: number) => readonly Rule[]): Change[] => {
  const id = (from: ReadonlyMap<string, string>, name: string): string => {
    const found = from.get(name);
    if (found === undefined) throw new Error(`the northbound database has no "${name}"`);
    return found;
  };
  // Rounds work on VPCs far from each other; with few VPCs they meet again, and every name still differs by round.
  const vpcOfRound = (round: number): number => (round * 37 + 11) % vpcs;
  const switchOf = (round: number): string => id(rows.switches, `vpc-${vpcOfRound(round)}-0`);
  const end = (vpc: number) => ({ vpc, router: id(rows.routers, `vpc-${vpc}`) });
  const addPort = (round: number, number: number): Operation[] => [
    insert('Logical_Switch_Port', port({ vpc: vpcOfRound(round), subnet: 0 }, number), 'added'),
    mutateSet('Logical_Switch', switchOf(round), 'insert', 'ports', [named('added')]),
  ];
  return [
    { name: 'nothing but the round trip', operations: () => [], bindings: 0 },
    { name: 'add one attachment', operations: (round) => addPort(round, portsPerSubnet + round), bindings: 1 },
    {
      name: 'add one attachment to a policy group',
      operations: (round) => [
        ...addPort(round, 2 * portsPerSubnet + round),
        mutateSet('Port_Group', id(rows.groups, groupName(vpcOfRound(round))), 'insert', 'ports', [named('added')]),
      ],
      bindings: 1,
    },
    {
      name: 'remove one attachment',
      operations: (round) => {
        const removed = uuid(id(rows.ports, portName({ vpc: vpcOfRound(round), subnet: 1 }, round)));
        return [mutateSet('Logical_Switch', id(rows.switches, `vpc-${vpcOfRound(round)}-1`), 'delete', 'ports', [removed])];
      },
      bindings: -1,
    },
    {
      name: 'add one policy rule',
      operations: (round) => {
        const vpc = vpcOfRound(round);
        const group = id(rows.groups, groupName(vpc));
        return [insert('ACL', { ...oneMoreRule(vpc, 8000 + round) }, 'added'), mutateSet('Port_Group', group, 'insert', 'acls', [named('added')])];
      },
      bindings: 0,
    },
    {
      name: 'add a subnet',
      operations: (round) => {
        const vpc = vpcOfRound(round);
        return oneMoreSubnet({ vpc, subnet: subnetsPerVpc + round }, id(rows.routers, `vpc-${vpc}`));
      },
      bindings: 2,
    },
    {
      name: 'peer two VPCs',
      operations: (round) => peeringOf([end(vpcOfRound(round)), end((vpcOfRound(round) + 1) % vpcs)], round),
      bindings: 2,
    },
    { name: 'add a VPC of 40 ports', operations: (round) => vpcOf(vpcs + round, rules(vpcs + round)), bindings: subnetsPerVpc * (portsPerSubnet + 2) },
    { name: 'full recompute', operations: () => [], bindings: 0, isRecompute: true },
  ];
};
