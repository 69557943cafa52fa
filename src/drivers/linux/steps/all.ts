/** What can be done to every kind of item. */
import type { Kind, States } from '../model.ts';
import { daemonsSteps, frrSteps } from './daemon.ts';
import { dhcpSteps } from './dhcp.ts';
import { fdbSteps, neighbourSteps, proxySteps, routeSteps, rulesetSteps } from './forwarding.ts';
import { addressSteps, bondSteps, bridgeSteps, knownSteps, loopbackSteps, netnsSteps, pairSteps, sysctlSteps, vxlanSteps } from './link.ts';
import { portSteps } from './port.ts';
import { subinterfaceSteps } from './subinterface.ts';
import type { Steps } from './step.ts';
import { tunnelSteps } from './tunnel.ts';

export const stepsOf: { readonly [K in Kind]: Steps<States[K]> } = {
  netns: netnsSteps,
  known: knownSteps,
  sysctl: sysctlSteps,
  loopback: loopbackSteps,
  address: addressSteps,
  bridge: bridgeSteps,
  vxlan: vxlanSteps,
  bond: bondSteps,
  port: portSteps,
  subinterface: subinterfaceSteps,
  fdb: fdbSteps,
  tunnel: tunnelSteps,
  neighbour: neighbourSteps,
  pair: pairSteps,
  route: routeSteps,
  proxy: proxySteps,
  ruleset: rulesetSteps,
  daemons: daemonsSteps,
  frr: frrSteps,
  dhcp: dhcpSteps,
};
