/**
 * How the sessions with other devices of the fabric are. One session carries underlay and overlay, so its state is the same in
 * every address family of the summary.
 */
import { neighbourName } from './render/underlay.ts';
import type { GoalTables, UnderlaySession } from '../driver.ts';
import { BgpWatch } from './bgpwatch.ts';

type Peers = Pick<GoalTables, 'bgpPeer' | 'port'>;

/** What falls is to be told within a second, with the pause that the agent makes for more of the same. */
const pollMilliseconds = 500;

/** @param directory with the sockets of the FRR daemons */
export const underlayWatch = (directory: string): BgpWatch<Peers, UnderlaySession> =>
  new BgpWatch({ directory, command: 'show bgp summary json', pollMilliseconds, hasSessions: ({ bgpPeer }: Peers) => bgpPeer.size > 0, sessionsIn: underlayIn });

/** By address family. */
type Summary = Record<string, { readonly peers?: Record<string, { readonly state?: string }> }>;

/** Those of the goal that bgpd has, of `show bgp summary json`. @throws SyntaxError when it is no JSON */
export const underlayIn = (text: string, { bgpPeer, port }: Peers): readonly UnderlaySession[] => {
  const peers = new Map(Object.values(JSON.parse(text) as Summary).flatMap((family) => Object.entries(family.peers ?? {})));
  return [...bgpPeer.values()].flatMap((row) => {
    const state = peers.get(neighbourName(row, port.get(row.port)) ?? '')?.state;
    return state === undefined ? [] : [{ port: row.port, established: state === 'Established' }];
  });
};
