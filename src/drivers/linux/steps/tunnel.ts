/**
 * Where a MAC address is behind a VTEP that speaks no EVPN. Two entries: the bridge must send to the VXLAN device instead of
 * flooding, and the VXLAN device must know the VTEP; the kernel takes both in one message (self and master).
 */
import type { TunnelState } from '../model.ts';
import { bridgeTool, type Steps } from './step.ts';

export const tunnelSteps: Steps<TunnelState> = {
  create: ({ place, device, mac, vtep, vni }) => [
    bridgeTool(place, 'fdb', 'replace', mac, 'dev', device, 'dst', vtep, ...(vni === undefined ? [] : ['vni', `${vni}`]), 'self', 'master', 'static'),
  ],
  change: (_, to, site) => tunnelSteps.create(to, site),
  remove: ({ place, device, mac, bridged }) => [bridgeTool(place, 'fdb', 'delete', mac, 'dev', device, 'self', ...(bridged ? ['master'] : []))],
  overwrites: true,
};
