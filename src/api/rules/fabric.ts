/** Rules of a Fabric: pools that hold something, do not share anything, and can be used on a wire. */
import { prefixLength, parsePrefix } from '../../net/prefix.ts';
import type { Prefix } from '../../net/brand.ts';
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedFabricSpec } from '../kinds/fabric.ts';
import { selectorRules } from './selector.ts';
import { disjoint, type NamedPrefix, unicastMac, usablePrefix } from './addresses.ts';

/** ASNs that no network may use as its own, and why. */
export const reservedAsns: ReadonlyMap<number, string> = new Map([
  [23_456, 'AS_TRANS, RFC 6793'],
  [65_535, 'reserved, RFC 7300'],
]);

export function fabricRules({ spec }: Subject<DefaultedFabricSpec>, found: Findings): void {
  checkPools(spec, found);
  checkAsns(spec, found);
  orderedRange('spec.overlay.vnis', spec.overlay.vnis, found);
  unicastMac('spec.overlay.anycastMAC', spec.overlay.anycastMAC, found);
  if (spec.rollout?.canary !== undefined) selectorRules('spec.rollout.canary', spec.rollout.canary, found);
  for (const [index, text] of spec.reserved.entries()) found.parsed(`spec.reserved[${index}]`, parsePrefix(text));
}

function checkPools({ underlay, overlay }: DefaultedFabricSpec, found: Findings): void {
  const pools: NamedPrefix[] = [];
  for (const pool of ['linkPool', 'routerIDs', 'vteps'] as const) {
    const path = `spec.underlay.${pool}`;
    const prefix = usablePrefix(path, underlay[pool], found);
    if (prefix === undefined) continue;
    pools.push({ path, label: pool, prefix });
    if (pool === 'linkPool') checkLinkPool(path, prefix, found);
  }
  for (const [index, text] of overlay.externalVTEPs.entries()) {
    const path = `spec.overlay.externalVTEPs[${index}]`;
    const prefix = usablePrefix(path, text, found);
    if (prefix !== undefined) pools.push({ path, label: `overlay.externalVTEPs[${index}]`, prefix });
  }
  disjoint(pools, found);
}

function checkLinkPool(path: string, prefix: Prefix, found: Findings): void {
  if (prefixLength(prefix) <= 31) return;
  found.add(path, 'PrefixLength', `"${prefix}" has no room for a /31, which every numbered link takes; use /31 or shorter`);
}

function checkAsns({ asns }: DefaultedFabricSpec, found: Findings): void {
  const { spine, leaves } = asns;
  const reserved = reservedAsns.get(spine);
  if (reserved !== undefined) found.add('spec.asns.spine', 'ReservedASN', `${spine} cannot be used (${reserved})`);
  if (!orderedRange('spec.asns.leaves', leaves, found)) return;
  if (spine >= leaves.from && spine <= leaves.to) {
    const message = `${spine} lies in the range of the leaves, ${leaves.from} to ${leaves.to}; a leaf would get the ASN of the spines`;
    found.add('spec.asns.spine', 'Overlap', message);
  }
  for (const [asn, why] of reservedAsns) {
    if (asn < leaves.from || asn > leaves.to) continue;
    found.add('spec.asns.leaves', 'ReservedASN', `the range holds ${asn}, which cannot be used (${why})`);
  }
}

function orderedRange(path: string, { from, to }: { readonly from: number; readonly to: number }, found: Findings): boolean {
  if (from <= to) return true;
  found.add(path, 'EmptyRange', `"from" ${from} is above "to" ${to}; swap them`);
  return false;
}
