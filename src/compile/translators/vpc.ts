/** VPC -> its VRF and static routes, said once for all devices that hold it. */
import type { Row } from '../../goal/rows.ts';
import { tenantKey } from '../intent.ts';
import { vpcResolution, type ResolvedVpc } from '../resolve/vpc.ts';
import type { Facts, Translator } from '../view.ts';

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
      ...value.staticRoutes.map(({ prefix, nextHops }): Row => ({ table: 'route', key: `${vrf}/${prefix}`, value: { vrf, prefix, nextHops } })),
    ];
    return { rows: rows.map((row) => ({ scope, row, from: [] })), findings, demands, facts: factsOf(value) };
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
