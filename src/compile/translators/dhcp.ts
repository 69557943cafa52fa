/**
 * What a VPC says about DHCP beyond its segments: reservations, in the scope that all its members share, and what each leaf
 * may lease or relay from, in its own.
 */
import type { Row } from '../../goal/rows.ts';
import type { Address, Mac } from '../../net/brand.ts';
import { contains } from '../../net/prefix.ts';
import { error, warning, type CompileFinding } from '../finding.ts';
import { path, specOf, tenantRef } from '../intent.ts';
import type { Demand } from '../demand.ts';
import { leaseShares } from '../resolve/leaseblocks.ts';
import { pairingsOfPair, pairKey } from '../resolve/admission.ts';
import { unready } from '../resolve/resolution.ts';
import { knownVpc, type ResolvedSubnet, type ResolvedVpc } from '../resolve/vpc.ts';
import type { ScopedRow, View } from '../view.ts';

interface DhcpParts {
  readonly rows: readonly ScopedRow[];
  readonly findings: readonly CompileFinding[];
  readonly demands: readonly Demand[];
}

/** @param key `namespace/vpc` */
export const dhcpParts = (key: string, vpc: ResolvedVpc, view: View): DhcpParts => {
  const parts = Object.entries(vpc.subnets).map(([name, subnet]): DhcpParts => {
    const at = path('spec', 'subnets', name, 'dhcp');
    const isShared = subnet.range !== undefined || subnet.dhcp?.relay !== undefined;
    const shares = isShared ? view.query(leaseShares, `${key}/${name}`) : undefined;
    const findings = [...largeMtu(subnet, vpc, at), ...(shares?.findings ?? []), ...relayFaults(key, name, subnet, at, view)];
    return { rows: [...reservationRows(vpc, subnet), ...(shares?.rows ?? [])], findings, demands: shares?.demands ?? [] };
  });
  return {
    rows: parts.flatMap(({ rows }) => rows),
    findings: parts.flatMap(({ findings }) => findings),
    demands: parts.flatMap(({ demands }) => demands),
  };
};

const reservationRows = ({ overlay }: ResolvedVpc, { vni, reservations = {} }: ResolvedSubnet): ScopedRow[] =>
  vni === undefined
    ? []
    : Object.entries(reservations).flatMap(([text, { address, ready }]) => {
        const mac = text as Mac;
        const row: Row = { table: 'reservation', key: `${vni}/${mac}`, value: { segment: vni, mac, address } };
        return ready ? [{ scope: overlay.scope, row, from: [] }] : [];
      });

const largeMtu = ({ dhcp }: ResolvedSubnet, { overlay }: ResolvedVpc, at: string): CompileFinding[] => {
  if (dhcp?.mtu === undefined || dhcp.mtu <= overlay.mtu) return [];
  const message = `${dhcp.mtu} is more than the ${overlay.mtu} bytes that the segment carries: larger packets are lost; choose at most ${overlay.mtu}`;
  return [warning('MTUAboveSegment', `${at}.mtu`, message)];
};

/** Whether what is relayed to another VPC gets there and back. Inside the VPC itself the API has judged it. */
const relayFaults = (key: string, name: string, { dhcp }: ResolvedSubnet, at: string, view: View): CompileFinding[] => {
  const own = tenantRef('VPC', key);
  const object = view.get(own.kind, own.namespace, own.name);
  const { relay } = (object === undefined ? undefined : specOf('VPC', object).subnets[name]?.dhcp) ?? {};
  if (dhcp?.relay === undefined || relay?.vpc === undefined) return [];
  const other = { ...own, name: relay.vpc };
  if (view.get(other.kind, other.namespace, other.name) === undefined) {
    return [error('UnknownVPC', `${at}.relay.vpc`, `there is no VPC "${relay.vpc}" in namespace "${own.namespace}"; create it or name another`)];
  }
  const resolution = view.query(knownVpc, `${other.namespace}/${other.name}`);
  if (resolution.value === undefined) return [unready(other, `${at}.relay.vpc`, resolution)];
  const [, target] = Object.entries(resolution.value.subnets).find(([, { prefix }]) => contains(prefix, dhcp.relay as Address)) ?? [];
  if (target === undefined) {
    return [error('RelayUnreachable', `${at}.relay.server`, `"${dhcp.relay}" is in no accepted subnet of VPC "${relay.vpc}"; name a server that is, or another VPC`)];
  }
  return isPermitted(key, name, `${other.namespace}/${other.name}`, target, view)
    ? []
    : [error('RelayUnreachable', `${at}.relay.vpc`, `no VPCPeering lets subnet "${name}" reach "${dhcp.relay}" in VPC "${relay.vpc}"; peer the two`)];
};

const isPermitted = (key: string, name: string, other: string, { prefix }: ResolvedSubnet, view: View): boolean => {
  const own = view.query(knownVpc, key).value?.subnets[name]?.prefix;
  const [left, right] = [key, other].toSorted();
  const pairings = view.list(pairingsOfPair, pairKey({ left: left ?? '', right: right ?? '' }));
  return pairings.some((pairing) => {
    const [mine, theirs] = left === key ? [pairing.left, pairing.right] : [pairing.right, pairing.left];
    return own !== undefined && mine.includes(own) && theirs.includes(prefix);
  });
};
