/** VPC -> its VRF, static routes and isolation, said once for all devices that hold it. */
import type { Row } from '../../goal/rows.ts';
import { specOf, tenantKey } from '../intent.ts';
import { vpcResolution, type ResolvedVpc } from '../resolve/vpc.ts';
import type { Facts, Translator } from '../view.ts';
import { isolationRows } from './isolation.ts';

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
    const isolation = isolationRows(specOf('VPC', object), value);
    return { rows: [...rows.map((row) => ({ scope, row, from: [] })), ...isolation], findings, demands, facts: factsOf(value) };
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
