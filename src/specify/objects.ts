/**
 * The objects that people declared, as far as they promise something: by kind and key, with defaults filled in. An object that
 * is being deleted counts as gone, unless traffic is being led around it first. Pure.
 */
import { isDraining } from '../api/drain.ts';
import { kindByName } from '../api/kinds.ts';
import type { DefaultedAddressSpaceSpec } from '../api/kinds/addressspace.ts';
import type { DefaultedConnectionSpec } from '../api/kinds/connection.ts';
import type { DefaultedExternalSpec } from '../api/kinds/external.ts';
import type { DefaultedExternalPeeringSpec } from '../api/kinds/externalpeering.ts';
import type { DefaultedFabricSpec } from '../api/kinds/fabric.ts';
import type { DefaultedGatewaySpec } from '../api/kinds/gateway.ts';
import { defaultMappingSliceSpec, type DefaultedMappingSliceSpec } from '../api/kinds/mappingslice.ts';
import type { DefaultedPeeringConsentSpec } from '../api/kinds/peeringconsent.ts';
import type { DefaultedSecurityPolicySpec } from '../api/kinds/securitypolicy.ts';
import type { DefaultedServerSpec } from '../api/kinds/server.ts';
import type { DefaultedSwitchSpec } from '../api/kinds/switch.ts';
import type { DefaultedSwitchProfileSpec } from '../api/kinds/switchprofile.ts';
import type { DefaultedVpcSpec } from '../api/kinds/vpc.ts';
import type { DefaultedVpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import type { DefaultedVpcPeeringSpec } from '../api/kinds/vpcpeering.ts';
import { refKey, type ObjectRef, type Resource } from '../api/object.ts';
import { getOrMake } from '../kit/maps.ts';

/** Kinds that promise, with what their specs are once defaults are filled in. Claims are kept apart (claims.ts). */
export interface Specs {
  readonly Fabric: DefaultedFabricSpec;
  readonly Switch: DefaultedSwitchSpec;
  readonly Gateway: DefaultedGatewaySpec;
  readonly SwitchProfile: DefaultedSwitchProfileSpec;
  readonly Server: DefaultedServerSpec;
  readonly Connection: DefaultedConnectionSpec;
  readonly AddressSpace: DefaultedAddressSpaceSpec;
  readonly External: DefaultedExternalSpec;
  readonly VPC: DefaultedVpcSpec;
  readonly VPCAttachment: DefaultedVpcAttachmentSpec;
  readonly VPCPeering: DefaultedVpcPeeringSpec;
  readonly PeeringConsent: DefaultedPeeringConsentSpec;
  readonly ExternalPeering: DefaultedExternalPeeringSpec;
  readonly SecurityPolicy: DefaultedSecurityPolicySpec;
  readonly MappingSlice: DefaultedMappingSliceSpec;
}
export type SpecKind = keyof Specs;

export const specKinds: readonly SpecKind[] = [
  'Fabric', 'Switch', 'Gateway', 'SwitchProfile', 'Server', 'Connection', 'AddressSpace', 'External', 'VPC', 'VPCAttachment', 'VPCPeering',
  'PeeringConsent', 'ExternalPeering', 'SecurityPolicy', 'MappingSlice',
];
const names: ReadonlySet<string> = new Set(specKinds);
export const isSpecKind = (kind: string): kind is SpecKind => names.has(kind);

export interface Held<Spec> {
  /** `namespace/name`, or `name` of what is cluster-wide. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** As claims name it. */
  readonly uid: string;
  /** Orders objects from the oldest to the youngest. */
  readonly age: string;
  readonly spec: Spec;
  readonly labels?: Readonly<Record<string, string>>;
  /** Traffic is led around it before it goes. */
  readonly draining?: true;
}

export const keyOf = ({ namespace, name }: Pick<ObjectRef, 'namespace' | 'name'>): string => (namespace === '' ? name : `${namespace}/${name}`);

export class Objects {
  readonly #kinds = new Map<SpecKind, Map<string, Held<unknown>>>();

  get<Kind extends SpecKind>(kind: Kind, key: string): Held<Specs[Kind]> | undefined {
    return this.#kinds.get(kind)?.get(key) as Held<Specs[Kind]> | undefined;
  }

  all<Kind extends SpecKind>(kind: Kind): Iterable<Held<Specs[Kind]>> {
    return (this.#kinds.get(kind)?.values() ?? []) as Iterable<Held<Specs[Kind]>>;
  }

  put<Kind extends SpecKind>(kind: Kind, key: string, held: Held<Specs[Kind]> | undefined): void {
    const objects = getOrMake(this.#kinds, kind, () => new Map<string, Held<unknown>>());
    if (held === undefined) objects.delete(key);
    else objects.set(key, held);
  }
}

/** What of an object can promise anything; undefined of what is going. */
export const heldOf = (kind: SpecKind, object: Resource, before?: Held<Specs[SpecKind]>): Held<Specs[SpecKind]> | undefined => {
  const { name, namespace = '', uid, creationTimestamp = '', deletionTimestamp, labels } = object.metadata;
  if (deletionTimestamp !== undefined && !isDraining(object.metadata)) return undefined;
  const ref = { kind, namespace, name };
  return {
    key: keyOf(ref),
    namespace,
    name,
    uid: uid ?? refKey(ref),
    age: `${creationTimestamp} ${isTimed(uid) ? uid : ''} ${refKey(ref)}`,
    spec: kind === 'MappingSlice' ? sliceSpec(object, before?.spec as Specs['MappingSlice'] | undefined) : specOf(object),
    ...(kind === 'VPCAttachment' && labels !== undefined && { labels }),
    ...(deletionTimestamp !== undefined && { draining: true }),
  };
};

/** A UUID of version 7 begins with milliseconds (RFC 9562); creation times have whole seconds. */
const isTimed = (uid: string | undefined): uid is string => uid?.charAt(14) === '7' && uid.length === 36;

/** Of a slice that changed nearly all is as it was, and so is in order: reading a thousand addresses again costs more than all the rest. */
const sliceSpec = (object: Resource, before: Specs['MappingSlice'] | undefined): Specs['MappingSlice'] => {
  const spec = object.spec as Specs['MappingSlice'];
  const doubtful = spec.mappings.filter((mapping, index) => {
    const former = before?.mappings[index];
    return former === undefined || former.address !== mapping.address || former.mac !== mapping.mac || former.vtep !== mapping.vtep;
  });
  if (doubtful.length > 0 && !isSame(defaultMappingSliceSpec({ ...spec, mappings: doubtful }).mappings, doubtful)) return defaultMappingSliceSpec(spec);
  return spec;
};

/** Objects of an API server have their defaults already, and there are many: what is the same is not held twice. */
const specOf = (object: Resource): Specs[SpecKind] => {
  const spec = kindByName(object.kind)?.defaults(object).spec ?? object.spec;
  return (isSame(spec, object.spec) ? object.spec : spec) as Specs[SpecKind];
};

export const isSame = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  const [own, others] = [Object.entries(left), Object.keys(right)];
  return own.length === others.length && own.every(([name, value]) => Object.hasOwn(right, name) && isSame(value, (right as Record<string, unknown>)[name]));
};
