/** `wiring.githedgehog.com/v1beta1`: members as its published CRDs have them (docs.hedgehog.cloud, release 26.03). */
import { anything, flag, list, map, number, object, text, type Static } from './types.ts';

const port = object({ port: text });
const addressedPort = object({ port: text, ip: text });
const serverLink = object({ server: port, switch: port });

export const wiringKinds = {
  VLANNamespace: object({ ranges: list(object({ from: number, to: number })) }),
  SwitchGroup: object({}),
  Switch: object({
    role: text,
    description: text,
    profile: text,
    groups: list(text),
    redundancy: object({ group: text, type: text }),
    vlanNamespaces: list(text),
    asn: number,
    ip: text,
    protocolIP: text,
    vtepIP: text,
    portGroupSpeeds: map(text),
    portSpeeds: map(text),
    portBreakouts: map(text),
    portAutoNegs: map(flag),
    portFECs: map(text),
    boot: object({ serial: text, mac: text }),
    enableAllPorts: flag,
    roce: flag,
    ecmp: object({ roceQPN: flag }),
    linkFlapErrDisable: object({ flapThreshold: number, samplingInterval: number, recoveryInterval: number }),
  }),
  SwitchProfile: object({
    displayName: text,
    otherNames: list(text),
    switchSilicon: text,
    notes: text,
    features: map(flag),
    config: object({ maxPathsEBGP: number }),
    ports: map(
      object({ nos: text, baseNOSName: text, label: text, group: text, profile: text, management: flag, oniePortName: text, pipeline: text }),
    ),
    portGroups: map(object({ nos: text, profile: text })),
    portProfiles: map(
      object({
        speed: object({ default: text, supported: list(text) }),
        breakout: object({ default: text, supported: map(object({ offsets: list(text) })) }),
        autoNegAllowed: flag,
        autoNegDefault: flag,
      }),
    ),
    pipelines: map(object({ maxPorts: number })),
    maxPorts: number,
    nosType: text,
    platform: text,
  }),
  Server: object({ description: text, profile: text }),
  Connection: object({
    unbundled: object({ link: serverLink, mtu: number }),
    bundled: object({ links: list(serverLink), mtu: number, fallback: flag }),
    eslag: object({ links: list(serverLink), mtu: number, fallback: flag }),
    mclag: anything,
    mclagDomain: anything,
    vpcLoopback: anything,
    fabric: object({ links: list(object({ spine: addressedPort, leaf: addressedPort })) }),
    mesh: object({ links: list(object({ leaf1: addressedPort, leaf2: addressedPort })) }),
    gateway: object({ links: list(object({ switch: addressedPort, gateway: addressedPort })) }),
    external: object({ link: object({ switch: port }) }),
    staticExternal: object({
      link: object({ switch: object({ port: text, ip: text, vlan: number, subnets: list(text), nextHop: text }) }),
      withinVPC: text,
    }),
  }),
};

export type SwitchSpec = Static<typeof wiringKinds.Switch>;
export type ConnectionSpec = Static<typeof wiringKinds.Connection>;
export type ProfileSpec = Static<typeof wiringKinds.SwitchProfile>;
