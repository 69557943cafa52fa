/** VPC -> its VRF, static routes, isolation and reservations, said once for all devices that hold it. */
import type { Row } from '../../goal/rows.ts';
import { specOf, tenantKey } from '../intent.ts';
import { vpcResolution, type ResolvedVpc } from '../resolve/vpc.ts';
import type { Facts, Translator } from '../view.ts';
import { dhcpParts } from './dhcp.ts';
import { isolationRows } from './isolation.ts';
import { nextHopFindings, staticRouteRows } from './staticroute.ts';

export const vpcTranslator: Translator = {
  name: 'vpc',
  kind: 'VPC',
  translate: (object, view) => {
    const key = tenantKey(object);
    const { value, findings, demands } = view.query(vpcResolution, key);
    if (value === undefined) return { rows: [], findings, demands };
    const { vni, vrf, scope } = value.overlay;
    const rows: Row[] = [
      { table: 'vrf', key: vrf, value: { name: vrf, vni, description: key } },
      ...staticRouteRows(value),
    ];
    const isolation = isolationRows(specOf('VPC', object), value);
    const dhcp = dhcpParts(key, value, view);
    return {
      rows: [...rows.map((row) => ({ scope, row, from: [] })), ...isolation, ...dhcp.rows],
      findings: [...findings, ...dhcp.findings, ...nextHopFindings(key, value, view)],
      demands: [...demands, ...dhcp.demands],
      facts: factsOf(value),
    };
  },
};

const factsOf = ({ overlay, subnets }: ResolvedVpc): Facts => ({
  vni: overlay.vni,
  subnets: Object.fromEntries(
    Object.entries(subnets).map(([name, subnet]) => [
      name,
      { ...(subnet.vni === undefined ? {} : { vni: subnet.vni }), gateway: subnet.gateway },
    ]),
  ),
});
