/**
 * ExternalPeering -> both halves of the leak, in the shared scopes of the VPC and of the External. And membership both ways:
 * a device that has the VPC attached holds the External, and a border leaf where the External is met holds the VPC, for on
 * both the leak takes effect.
 */
import { deviceScope } from '../../goal/rows.ts';
import { clusterRef, tenantKey, tenantRef } from '../intent.ts';
import { admittedExternalPeering, externalPairings, externalPairKey, externalsOfVpc, leavesOfVpc, vpcsOfExternal } from '../resolve/admission.ts';
import { leavesOfExternal } from '../resolve/external.ts';
import { pairTranslator, type Translator } from '../view.ts';
import { leakRow, vpcEnd } from './peering.ts';

export const externalPeeringTranslator: Translator = {
  name: 'externalPeering',
  kind: 'ExternalPeering',
  translate: (object, view) => {
    const { value, findings, demands } = view.query(admittedExternalPeering, tenantKey(object));
    if (value === undefined) return { rows: [], findings, demands };
    const { overlay, network } = value;
    const vpc = vpcEnd(overlay);
    const { vrf, vni, scope, external } = network;
    const outside = { vrf, vni, scope, owner: external };
    const pairings = view.list(externalPairings, externalPairKey(value));
    const mirrored = pairings.map(({ left, right }) => ({ left: right, right: left }));
    return { rows: [leakRow(vpc, outside, pairings), leakRow(outside, vpc, mirrored)], findings, demands };
  },
};

/** The External's scope on every leaf where a VPC is attached. */
export const externalMembers = pairTranslator('external members', leavesOfVpc, externalsOfVpc, (key, leaf, { external, scope, peering, age }) => ({
  owner: peering,
  age,
  scope: deviceScope(leaf),
  row: { table: 'member', key: scope, value: { scope } },
  from: [tenantRef('VPC', key), external],
}));

/** The VPC's scope on every leaf where an External is met. */
export const borderMembers = pairTranslator('border members', leavesOfExternal, vpcsOfExternal, (key, leaf, { vpc, scope, peering, age }) => ({
  owner: peering,
  age,
  scope: deviceScope(leaf),
  row: { table: 'member', key: scope, value: { scope } },
  from: [clusterRef('External', key), vpc],
}));
