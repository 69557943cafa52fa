/** `gateway.githedgehog.com/v1alpha1`: members as its published CRDs have them (docs.hedgehog.cloud, release 26.03). */
import { anything, flag, list, map, number, object, text, type Static } from './types.ts';

const prefix = object({ cidr: text, not: text, vpcSubnet: text });

const expose = object({
  default: flag,
  ips: list(prefix),
  as: list(prefix),
  nat: object({
    static: object({}),
    masquerade: object({ idleTimeout: text }),
    portForward: object({ idleTimeout: text, ports: list(object({ proto: text, port: text, as: text })) }),
  }),
});

export const gatewayKinds = {
  Gateway: object({
    protocolIP: text,
    vtepIP: text,
    vtepMAC: text,
    vtepMTU: number,
    asn: number,
    interfaces: map(object({ pci: text, kernel: text, ips: list(text), mtu: number })),
    neighbors: list(object({ source: text, ip: text, asn: number })),
    workers: number,
    groups: list(object({ name: text, priority: number })),
    logs: anything,
    profiling: anything,
    flowTableCapacity: number,
  }),
  GatewayGroup: object({}),
  GatewayPeering: object({
    gatewayGroup: text,
    peering: map(object({ expose: list(expose) })),
    acl: anything,
  }),
};

export type GatewaySpec = Static<typeof gatewayKinds.Gateway>;
