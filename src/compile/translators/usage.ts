/** Fabric and AddressSpace -> how much uses them. No rows: what switches and VPCs take from them is in theirs. */
import { serversByFabric } from '../resolve/connection.ts';
import { switchesByFabric, vpcsBySpace } from '../relations.ts';
import type { Translator } from '../view.ts';

export const fabricUsageTranslator: Translator = {
  name: 'fabricUsage',
  kind: 'Fabric',
  translate: ({ metadata: { name } }, view) => ({
    rows: [],
    findings: [],
    facts: { switches: view.count(switchesByFabric, name), servers: view.count(serversByFabric, name) },
  }),
};

export const addressSpaceUsageTranslator: Translator = {
  name: 'addressSpaceUsage',
  kind: 'AddressSpace',
  translate: ({ metadata: { name } }, view) => ({ rows: [], findings: [], facts: { vpcs: view.count(vpcsBySpace, name) } }),
};
