/** Externals: where they answer, whom they are joined with, and what their list lets in. Pure. */
import type { Resource } from '../api/object.ts';
import type { AddressSpaceSpec } from '../api/kinds/addressspace.ts';
import type { ExternalSpec } from '../api/kinds/external.ts';
import type { ExternalPeeringSpec } from '../api/kinds/externalpeering.ts';
import { parseAddress } from '../net/address.ts';
import { contains, firstHost } from '../net/prefix.ts';
import type { Address, Prefix } from '../net/brand.ts';
import { prefixOf, type AcceptedVpc, type End, type Intent } from './oracle.ts';
import { isListed, type Pairing } from './oraclepeering.ts';
import type { Service } from './service.ts';

/** Of an External: addresses at which its router answers in the lab; prefixes that it announces, and communities on them. */
export const labAnnotations = {
  addresses: 'lab.heddle.dev/addresses',
  announces: 'lab.heddle.dev/announces',
  communities: 'lab.heddle.dev/communities',
} as const;

export interface Outside {
  readonly name: string;
  readonly spec: ExternalSpec;
  readonly addresses: readonly Address[];
}

export const externalsOf = (intent: Intent): Outside[] => {
  const connections = new Set((intent.Connection ?? []).map(({ metadata }) => metadata.name));
  return (intent.External ?? []).flatMap((object) => {
    const spec = object.spec as ExternalSpec;
    const isAttached = (spec.attachments ?? []).some(({ connection }) => connections.has(connection));
    return isAttached ? [{ name: object.metadata.name, spec, addresses: externalAddresses(object, spec) }] : [];
  });
};

/** Words of an annotation. */
export const annotated = ({ metadata }: Resource, name: string): string[] =>
  (metadata.annotations?.[name] ?? '').split(/[\s,]+/).filter((word) => word !== '');

/** Where its router answers in the lab. */
export const externalAddresses = (object: Resource, spec: ExternalSpec): Address[] => {
  const listed = annotated(object, labAnnotations.addresses).flatMap((text) => {
    const address = parseAddress(text);
    return address.ok ? [address.value] : [];
  });
  return listed.length > 0 ? listed : (spec.static?.prefixes ?? []).flatMap(prefixOf).map(firstHost);
};

/** An External and a VPC of its AddressSpace meet where a peering names subnet and prefix; two VPCs never meet through it. */
export const outsidePairings = (intent: Intent, vpcs: ReadonlyMap<string, AcceptedVpc>, externals: readonly Outside[]): Pairing[] =>
  (intent.ExternalPeering ?? []).flatMap(({ metadata: { namespace = '' }, spec }) => {
    const { vpc, subnets, external, prefixes } = spec as ExternalPeeringSpec;
    const outside = externals.find(({ name }) => name === external);
    const space = vpcs.get(`${namespace}/${vpc}`)?.addressSpace;
    if (outside === undefined || space !== (outside.spec.addressSpace ?? 'default')) return [];
    const admitted = prefixes.flatMap(prefixOf);
    return [
      {
        joins: ({ party: { endpoint } }, { party, address }) =>
          endpoint?.namespace === namespace &&
          endpoint.vpc === vpc &&
          isListed(subnets, endpoint) &&
          party.external === external &&
          address !== undefined &&
          admitted.some((prefix) => contains(prefix, address)) &&
          isBelieved(outside, address) &&
          !inside(outside, intent).some((prefix) => contains(prefix, address)),
      },
    ];
  });

/** Prefixes of VPCs are never outside. */
const inside = ({ spec: { addressSpace = 'default' } }: Outside, intent: Intent): Prefix[] =>
  (intent.AddressSpace ?? [])
    .filter(({ metadata }) => metadata.name === addressSpace)
    .flatMap(({ spec }) => (spec as AddressSpaceSpec).prefixes.flatMap(prefixOf));

/** Whether the fabric takes the External's word that the address is there. */
const isBelieved = ({ spec: { bgp, static: fixed } }: Outside, address: Address): boolean => {
  const prefixes = fixed?.prefixes ?? bgp?.prefixes;
  return prefixes === undefined || prefixes.flatMap(prefixOf).some((prefix) => contains(prefix, address));
};

/** Ports that clients use (what Linux takes by default): where answers of TCP and UDP go. */
const clientPorts = { from: 32768, to: 60999 };

/**
 * Whether the ordered list of the External lets something in: what is sent by it, or the answer to what was sent to it.
 * @param outer at the External
 */
export const inboundVerdict = ({ spec }: Outside, outer: End, inner: End, { family, proto, port }: Service, isAnswer: boolean): boolean => {
  const statements = spec.inboundACL ?? [];
  const echo = family === 4 ? (isAnswer ? 0 : 8) : isAnswer ? 129 : 128;
  const wanted = isAnswer ? clientPorts : { from: port ?? 0, to: port ?? 0 };
  const decided = statements.find(({ protocol, source, destination, ports, established, icmpType }) => {
    const isWithin = (cidr: string | undefined, { address }: End): boolean =>
      cidr === undefined || (address !== undefined && prefixOf(cidr).some((prefix) => contains(prefix, address)));
    return (
      (protocol ?? proto) === proto &&
      isWithin(source, outer) &&
      isWithin(destination, inner) &&
      (ports === undefined || (ports.from <= wanted.from && (ports.to ?? ports.from) >= wanted.to)) &&
      (established !== true || isAnswer) &&
      (icmpType ?? echo) === echo
    );
  });
  return statements.length === 0 || decided?.action === 'permit';
};
