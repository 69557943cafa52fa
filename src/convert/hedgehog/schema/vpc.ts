/** `vpc.githedgehog.com/v1beta1`: members as its published CRDs have them (docs.hedgehog.cloud, release 26.03). */
import { flag, list, map, number, object, text, type Static } from './types.ts';

const options = object({
  pxeURL: text,
  dnsServers: list(text),
  timeServers: list(text),
  interfaceMTU: number,
  leaseTimeSeconds: number,
  disableDefaultRoute: flag,
  advertisedRoutes: list(object({ destination: text, gateway: text })),
});

const dhcp = object({
  enable: flag,
  relay: text,
  relayVPC: text,
  range: object({ start: text, end: text }),
  static: map(object({ ip: text })),
  options,
});

const subnet = object({
  subnet: text,
  gateway: text,
  vlan: number,
  isolated: flag,
  restricted: flag,
  hostBGP: flag,
  hostBGPMinPrefixLen: number,
  hostBGPMaxPrefixLen: number,
  hostBGPExtraPrefixes: map(object({ minPrefixLen: number, maxPrefixLen: number })),
  dhcp,
});

const statement = object({
  seq: number,
  action: text,
  protocol: text,
  srcPrefix: text,
  dstPrefix: text,
  portRangeBegin: number,
  portRangeEnd: number,
  tcpFilters: map(flag),
  icmpType: number,
  icmpCode: number,
});

export const vpcKinds = {
  IPv4Namespace: object({ subnets: list(text) }),
  VPC: object({
    mode: text,
    ipv4Namespace: text,
    vlanNamespace: text,
    subnets: map(subnet),
    defaultIsolated: flag,
    defaultRestricted: flag,
    permit: list(list(text)),
    staticRoutes: list(object({ prefix: text, nextHops: list(text) })),
  }),
  VPCAttachment: object({ subnet: text, connection: text, nativeVLAN: flag }),
  VPCPeering: object({ remote: text, permit: list(map(object({ subnets: list(text) }))) }),
  External: object({ ipv4Namespace: text, inboundCommunity: text, outboundCommunity: text, static: object({ prefixes: list(text) }) }),
  ExternalAttachment: object({
    external: text,
    connection: text,
    switch: object({ vlan: number, ip: text }),
    neighbor: object({ asn: number, ip: text }),
    static: object({ remoteIP: text, vlan: number, ip: text, proxy: flag }),
    inboundACL: object({ statements: list(statement) }),
  }),
  ExternalPeering: object({
    permit: object({ vpc: object({ name: text, subnets: list(text) }), external: object({ name: text, prefixes: list(object({ prefix: text })) }) }),
  }),
};

export type VpcSpec = Static<typeof vpcKinds.VPC>;
export type SubnetSpec = Static<typeof subnet>;
export type DhcpSpec = Static<typeof dhcp>;
export type StatementSpec = Static<typeof statement>;
export type ExternalSpec = Static<typeof vpcKinds.External>;
export type ExternalAttachmentSpec = Static<typeof vpcKinds.ExternalAttachment>;
