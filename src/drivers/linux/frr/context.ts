/** One FRR context as an item: its path says what it needs. Used for what is wanted and for what is read alike. */
import { frr, frrKey, linkKey, netnsKey } from '../model.ts';
import type { Item, ItemKey } from '../model.ts';

const vrfOfBgp = /^router bgp (\d+) vrf (\S+)$/;

/**
 * `asn` is needed for the context of a VRF itself: its VNI is set after `router bgp <asn> vrf` exists and taken away
 * before, since bgpd refuses to drop an instance whose VNI is set (FRR 8.4).
 */
export const frrContext = (path: readonly string[], lines: readonly string[], asn = '', foreign = false): Item<'frr'> =>
  frr({ path, lines }, { needs: needsOf(path, asn), after: afterOf(path, lines), foreign });

const needsOf = (path: readonly string[], asn: string): readonly ItemKey[] => {
  const [top = ''] = path;
  const bgp = vrfOfBgp.exec(top);
  const parents = path.length > 1 && top !== 'bfd' ? [frrKey(path.slice(0, -1))] : [];
  if (bgp !== null) return [...parents, netnsKey(bgp[2] ?? ''), frrKey([`router bgp ${bgp[1]}`])];
  const vrf = /^vrf (\S+)$/.exec(top)?.[1];
  return vrf === undefined ? parents : [netnsKey(vrf), frrKey([`router bgp ${asn} vrf ${vrf}`])];
};

const afterOf = (path: readonly string[], lines: readonly string[]): readonly ItemKey[] => {
  const vrf = /^vrf (\S+)$/.exec(path[0] ?? '')?.[1];
  const vni = lines.map((line) => /^vni (\d+)$/.exec(line)?.[1]).find((text) => text !== undefined);
  return vrf === undefined || vni === undefined ? [] : [linkKey(vrf, `vx${vni}`), linkKey(vrf, `br${vni}`)];
};
