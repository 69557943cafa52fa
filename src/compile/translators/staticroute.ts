/** Static routes of a VPC, and those of their next hops that nobody is known to have. */
import type { Row } from '../../goal/rows.ts';
import type { Address } from '../../net/brand.ts';
import { contains } from '../../net/prefix.ts';
import { warning, type CompileFinding } from '../finding.ts';
import { path } from '../intent.ts';
import { holdersByValue } from '../relations.ts';
import { sliceAt } from '../resolve/mapping.ts';
import type { ResolvedVpc } from '../resolve/vpc.ts';
import type { View } from '../view.ts';

export const staticRouteRows = ({ overlay: { vrf }, staticRoutes }: ResolvedVpc): Row[] =>
  staticRoutes.map(({ prefix, nextHops }) => ({ table: 'route', key: `${vrf}/${prefix}`, value: { vrf, prefix, nextHops } }));

/** @param vpc `namespace/name` */
export const nextHopFindings = (vpc: string, resolved: ResolvedVpc, view: View): CompileFinding[] =>
  resolved.staticRoutes.flatMap(({ prefix, nextHops }, index) =>
    nextHops.flatMap((hop, position) =>
      mayBeKnown(vpc, hop, resolved, view)
        ? []
        : warning(
            'NextHopUnknown',
            path('spec', 'staticRoutes', index, 'nextHops', position),
            `no server of the VPC has "${hop}", so packets for "${prefix}" are lost there; pin it on a VPCAttachment (spec.address) or name another`,
          ),
    ),
  );

/** Addresses that servers make themselves (slaac), or of a range, are held by nobody beforehand. */
const mayBeKnown = (vpc: string, hop: Address, { overlay, subnets }: ResolvedVpc, view: View): boolean => {
  const isFree = Object.values(subnets).some(
    ({ prefix, ipv6, range }) => (range !== undefined && contains(prefix, hop)) || (ipv6?.addressing === 'slaac' && contains(ipv6.prefix, hop)),
  );
  return isFree || view.count(holdersByValue, `${overlay.hostPool}|${hop}`) > 0 || sliceAt(view, vpc, hop) !== undefined;
};
