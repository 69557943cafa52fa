/** That subnets of one AddressSpace share no address: peers and networks outside would not know which of two is meant. Pure. */
import { vpcScope } from '../../goal/rows.ts';
import { bitsOf } from '../../net/address.ts';
import type { Prefix, Vni } from '../../net/brand.ts';
import { width } from '../../net/bits.ts';
import { prefixLength } from '../../net/prefix.ts';
import type { Vpc } from '../../specify/networks.ts';
import { ref, type Fault, type Scene } from '../fault.ts';
import { vrfNameOf } from './vrf.ts';

interface Range {
  readonly prefix: Prefix;
  readonly family: 4 | 6;
  /** Numbers of IPv4, which are compared far faster. */
  readonly first: number | bigint;
  readonly last: number | bigint;
}

const known = new WeakMap<Vpc, readonly Range[]>();

const rangesOf = (vpc: Vpc): readonly Range[] => {
  let ranges = known.get(vpc);
  if (ranges === undefined) known.set(vpc, (ranges = [...vpc.subnets.values()].flatMap(({ reach }) => reach.map(rangeOf))));
  return ranges;
};

const rangeOf = (prefix: Prefix): Range => {
  const { family, value } = bitsOf(prefix);
  const last = value + (1n << BigInt(width(family) - prefixLength(prefix))) - 1n;
  return family === 4 ? { prefix, family, first: Number(value), last: Number(last) } : { prefix, family, first: value, last };
};

/** Of two VPCs that share addresses the one that came later is at fault. @param vni L3VNI */
export const checkDisjoint = (vni: number, scene: Scene): readonly Fault[] => {
  const { spec, state } = scene;
  const own = spec.networkOfVni(vni);
  if (own === undefined || !('subnets' in own) || vrfNameOf(vni, state) === undefined) return [];
  for (const key of spec.bySpace.of(`VPC ${own.space}`)) {
    const other = key === own.key ? undefined : spec.vpc(key);
    // There may be thousands of others: the cheapest question comes first.
    const shared = other === undefined ? undefined : sharedBy(own, other);
    if (other === undefined || shared === undefined || vrfNameOf(other.vni, state) === undefined) continue;
    return [faultOf(own, other, shared, scene)];
  }
  return [];
};

const sharedBy = (one: Vpc, other: Vpc): readonly [Prefix, Prefix] | undefined => {
  const others = rangesOf(other);
  for (const { prefix, family, first, last } of rangesOf(one)) {
    const found = others.find((range) => range.family === family && range.first <= last && range.last >= first);
    if (found !== undefined) return [prefix, found.prefix];
  }
  return undefined;
};

const faultOf = (own: Vpc, other: Vpc, [mine, theirs]: readonly [Prefix, Prefix], { spec, state }: Scene): Fault => {
  const ageOf = ({ key }: Vpc): string => spec.objects.get('VPC', key)?.age ?? '';
  const [late, early] = ageOf(own) > ageOf(other) ? [own, other] : [other, own];
  const rows = [late, early].map(({ vni }) => ref(vpcScope(vni as Vni), 'vrf', vrfNameOf(vni, state) ?? ''));
  const message = `"${mine}" of "${own.network}" and "${theirs}" of "${other.network}" share addresses of AddressSpace "${own.space}", and both are in force`;
  return { code: 'Overlap', message, rows, objects: [late.network, early.network] };
};
