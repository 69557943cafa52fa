/** How the sessions with routers outside are. No row depends on it, so it is no part of a plan. */
import { parseAddress } from '../../net/address.ts';
import { sessionStates } from '../../goal/observation.ts';
import type { GoalTables, Session } from '../driver.ts';
import { BgpWatch } from './bgpwatch.ts';

type Peers = Pick<GoalTables, 'vrfPeer'>;

/** @param directory with the sockets of the FRR daemons */
export const sessionWatch = (directory: string): BgpWatch<Peers, Session> =>
  new BgpWatch({ directory, command: 'show bgp vrf all summary json', pollMilliseconds: 2000, hasSessions: ({ vrfPeer }: Peers) => vrfPeer.size > 0, sessionsIn });

/** By VRF, then by address family; `pfxRcd` counts what was believed. */
type Summary = Record<string, Record<string, { readonly peers?: Record<string, { readonly state?: string; readonly pfxRcd?: number }> }>>;

/** Those of the goal that bgpd has, of `show bgp vrf all summary json`. @throws SyntaxError when it is no JSON */
export const sessionsIn = (text: string, { vrfPeer }: Peers): readonly Session[] => {
  const summary = JSON.parse(text) as Summary;
  return [...vrfPeer.values()].flatMap(({ vrf, address }) => {
    const found = Object.values(summary[vrf] ?? {}).flatMap(({ peers = {} }) => Object.entries(peers).filter(([name]) => isSame(name, address)));
    const [, peer] = found[0] ?? [];
    // `Idle (Admin)` is Idle.
    const state = sessionStates.find((each) => each === peer?.state?.split(' ')[0]);
    return state === undefined ? [] : [{ vrf, address, state, believed: found.reduce((sum, [, { pfxRcd = 0 }]) => sum + pfxRcd, 0) }];
  });
};

const isSame = (name: string, address: string): boolean => {
  const parsed = parseAddress(name);
  return parsed.ok && parsed.value === address;
};
