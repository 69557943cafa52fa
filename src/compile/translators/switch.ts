/** Switch or Gateway -> what a device is in the underlay: its loopbacks, its BGP speaker, its VTEP. */
import type { Resource } from '../../api/object.ts';
import type { Row } from '../../goal/rows.ts';
import { hostPrefix } from '../../net/address.ts';
import { error } from '../finding.ts';
import { clusterRef, macOf, specNamed, specOf } from '../intent.ts';
import { switchResolution, type ResolvedSwitch } from '../resolve/switch.ts';
import type { Translation, Translator, View } from '../view.ts';

export const switchTranslator: Translator = {
  name: 'switch',
  kind: 'Switch',
  translate: (object, view) => translate(object, specOf('Switch', object).drain, view),
};

export const gatewayTranslator: Translator = {
  name: 'gateway',
  kind: 'Gateway',
  translate: (object, view) => {
    const { name } = object.metadata;
    if (view.get('Switch', '', name) === undefined) return translate(object, specOf('Gateway', object).drain, view);
    return { rows: [], findings: [error('AmbiguousDevice', 'metadata.name', `there is a Switch "${name}" too; each device needs a name of its own`)] };
  },
};

const translate = ({ metadata: { name } }: Resource, drained: boolean, view: View): Translation => {
  const { value, findings, demands } = view.query(switchResolution, name);
  const fabric = value && specNamed(view, 'Fabric', value.chassis.fabric);
  if (value === undefined || fabric === undefined) return { rows: [], findings, demands };
  const { scope } = value.chassis;
  const from = [clusterRef('Fabric', value.chassis.fabric)];
  const { asn, routerId: routerID, vtep } = value;
  return {
    rows: rowsOf(name, value, fabric.overlay.anycastMAC, drained).map((row) => ({ scope, row, from })),
    findings,
    demands,
    facts: { asn, routerID, ...(vtep === undefined ? {} : { vtep }) },
  };
};

const rowsOf = (
  hostname: string, { chassis: { role }, asn, routerId, vtep }: ResolvedSwitch, anycastMac: string, drained: boolean,
): Row[] => {
  const loopbacks = vtep === undefined ? [routerId] : [routerId, vtep];
  const rows: Row[] = [
    { table: 'system', key: 'self', value: { hostname, role, routerId } },
    {
      table: 'bgp',
      key: 'underlay',
      value: { asn, routerId, networks: loopbacks.map(hostPrefix), advertiseVnis: role !== 'spine', ...(drained && { drained }) },
    },
  ];
  if (vtep !== undefined) {
    rows.push({ table: 'vtep', key: 'self', value: { address: vtep, anycastMac: macOf(anycastMac) } });
  }
  return rows;
};
