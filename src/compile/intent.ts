/**
 * Typed reading of intent. Objects reach the compiler checked and with defaults filled in (`project` of compiler.ts), so a
 * spec is what its schema says; texts that stand for addresses and ports are read here.
 */
import type { ClaimSpec } from '../api/kinds/claim.ts';
import type { DefaultedAddressSpaceSpec } from '../api/kinds/addressspace.ts';
import type { DefaultedConnectionSpec } from '../api/kinds/connection.ts';
import type { DefaultedExternalSpec } from '../api/kinds/external.ts';
import type { DefaultedExternalPeeringSpec } from '../api/kinds/externalpeering.ts';
import type { DefaultedDhcpLeaseSpec } from '../api/kinds/dhcplease.ts';
import type { DefaultedFabricSpec } from '../api/kinds/fabric.ts';
import type { DefaultedGatewaySpec } from '../api/kinds/gateway.ts';
import type { DefaultedMappingSliceSpec } from '../api/kinds/mappingslice.ts';
import type { DefaultedSecurityPolicySpec } from '../api/kinds/securitypolicy.ts';
import type { DefaultedPeeringConsentSpec } from '../api/kinds/peeringconsent.ts';
import type { DefaultedServerSpec } from '../api/kinds/server.ts';
import type { DefaultedSwitchSpec } from '../api/kinds/switch.ts';
import type { DefaultedSwitchProfileSpec } from '../api/kinds/switchprofile.ts';
import type { DefaultedVpcSpec } from '../api/kinds/vpc.ts';
import type { DefaultedVpcAttachmentSpec } from '../api/kinds/vpcattachment.ts';
import type { DefaultedVpcPeeringSpec } from '../api/kinds/vpcpeering.ts';
import { memberPath } from '../api/findings.ts';
import { refKey, refOf, type ObjectRef, type Resource } from '../api/object.ts';
import type { PortRef } from '../api/port.ts';
import { parseAddress } from '../net/address.ts';
import type { Address, Mac, Parsed, Prefix } from '../net/brand.ts';
import { parseMac } from '../net/mac.ts';
import { parsePrefix } from '../net/prefix.ts';
import type { View } from './view.ts';

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
  readonly DHCPLease: DefaultedDhcpLeaseSpec;
  readonly Claim: ClaimSpec;
}

/** The spec of an object whose kind the caller knows. */
export const specOf = <K extends keyof Specs>(_kind: K, object: Resource): Specs[K] => object.spec as Specs[K];

/** The spec of a cluster-scoped object, or undefined when there is no such object. */
export const specNamed = <K extends keyof Specs>(view: View, kind: K, name: string): Specs[K] | undefined => {
  const object = view.get(kind, '', name);
  return object === undefined ? undefined : specOf(kind, object);
};

/** `namespace/name`: the key under which queries and relations know a tenant's object. */
export const tenantKey = (object: Resource): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export const tenantRef = (kind: string, key: string): ObjectRef => {
  const slash = key.indexOf('/');
  return { kind, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
};

/** Name of a tenant's object as another object may be told: tenants do not learn what others call theirs. */
export const nameTold = (listener: Resource, key: string): string | undefined => {
  const { namespace, name } = tenantRef('', key);
  return namespace === listener.metadata.namespace ? name : undefined;
};

export const clusterRef = (kind: string, name: string): ObjectRef => ({ kind, namespace: '', name });

/** `owner` of an object's claims. An object that was never stored (compiled from files) goes by its name. */
export const ownerOf = (object: Resource): ClaimSpec['owner'] => {
  const { kind, namespace, name } = refOf(object);
  return { kind, namespace, name, uid: object.metadata.uid ?? refKey({ kind, namespace, name }) };
};

const trusted = <Value>(result: Parsed<Value>): Value => {
  if (result.ok) return result.value;
  throw new TypeError(result.message);
};

/** Of text that the API has accepted already; anything else is a fault of ours and throws. */
export const prefixOf = (text: string): Prefix => trusted(parsePrefix(text));
export const addressOf = (text: string): Address => trusted(parseAddress(text));
export const macOf = (text: string): Mac => trusted(parseMac(text));

export const portOf = (text: string): PortRef => {
  const slash = text.indexOf('/');
  if (slash <= 0) throw new TypeError(`"${text}" does not name a port`);
  return { device: text.slice(0, slash), port: text.slice(slash + 1) };
};

/** Path of a finding: `path('spec', 'links', 0)` is `spec.links[0]`. */
export const path = (...members: readonly (string | number)[]): string =>
  members.reduce<string>((parent, member) => memberPath(parent, member), '');
