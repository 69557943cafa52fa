/** Fabric and AddressSpace -> how much uses them. No rows: what switches and VPCs take from them is in theirs. */
import type { Resource } from '../../api/object.ts';
import { contains } from '../../net/prefix.ts';
import { error, type CompileFinding } from '../finding.ts';
import { path, prefixOf, specOf } from '../intent.ts';
import { serversByFabric } from '../resolve/connection.ts';
import { fabricTenancy } from '../resolve/fabric.ts';
import { fabricOfTenants } from '../resolve/vpc.ts';
import { switchesByFabric, vpcsBySpace } from '../relations.ts';
import type { Translator, View } from '../view.ts';

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
  translate: (object, view) => ({ rows: [], findings: reservedPrefixes(object, view), facts: { vpcs: view.count(vpcsBySpace, object.metadata.name) } }),
};

/** A prefix of which nothing can be given to anybody; one that holds more than what is reserved can be. */
const reservedPrefixes = (object: Resource, view: View): CompileFinding[] => {
  const reserved = (view.query(fabricTenancy, fabricOfTenants)?.reserved ?? []).map(prefixOf);
  return specOf('AddressSpace', object).prefixes.flatMap((text, index) => {
    const around = reserved.find((each) => contains(each, prefixOf(text)));
    if (around === undefined) return [];
    const message = `"${text}" lies in "${around}", which Fabric "${fabricOfTenants}" reserves, so no subnet can be in it; choose another`;
    return [error('ReservedPrefix', path('spec', 'prefixes', index), message)];
  });
};
