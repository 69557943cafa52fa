/** FRR: processes that outlive the agent. Configuration of running FRR changes through vtysh only. */
import type { DaemonsState, FrrState } from '../model.ts';
import { contextCommands, lineCommands, removalCommands } from '../frr/change.ts';
import { configure, vtysh } from './step.ts';
import type { Site, Step, Steps } from './step.ts';

/** In the order of starting: bgpd and bfdd that miss zebra try again only ten seconds later. */
export const daemonNames = ['zebra', 'bfdd', 'bgpd'] as const;

export const daemonsSteps: Steps<DaemonsState> = {
  create: startDaemons,
  change: restartDaemons,
  // A process that nobody has reaped yet has ended all the same.
  remove: ({ pids }) => [
    { argv: ['kill', ...pids.map((pid) => `${pid}`)] },
    ...pids.map((pid): Step => ({ argv: ['grep', '-q', 'zombie', `/proc/${pid}/status`], patient: true })),
  ],
  same: (from, to) => from.running === to.running,
};

function restartDaemons(from: DaemonsState, to: DaemonsState, site: Site): readonly Step[] {
  return [...kill(from.pids), ...startDaemons(to, site)];
}

/** zebra 8.4 crashes while it handles SIGTERM, and SIGKILL leaves the kernel forwarding while it is gone. */
const kill = (pids: readonly number[]): readonly Step[] =>
  pids.length === 0 ? [] : [{ argv: ['kill', '-KILL', ...pids.map((pid) => `${pid}`)] }];

function startDaemons({ hostname }: DaemonsState, site: Site): readonly Step[] {
  const { directory, user } = site;
  const socket = (name: string): string => `${directory}/${name}`;
  const configuration = `frr defaults datacenter\nhostname ${hostname}\n`;
  const start = (name: string, ...words: readonly string[]): Step => ({
    argv: [`/usr/lib/frr/${name}`, '-d', '-u', user, '-g', user, '--vty_socket', directory, '-z', socket('zserv.api'),
      '-i', socket(`${name}.pid`), '-f', socket(`${name}.conf`), '-P', '0', ...words],
  });
  const guarded = (step: Step): Step => ({ ...step, unlessAlive: daemonNames.map((name) => socket(`${name}.pid`)) });
  const steps: readonly Step[] = [
    { argv: ['rm', '-f', ...['zserv.api', ...daemonNames.map((name) => `${name}.vty`)].map(socket)] },
    { argv: ['tee', ...daemonNames.map((name) => socket(`${name}.conf`))], stdin: configuration },
    { argv: ['chown', `${user}:${user}`, directory, ...daemonNames.map((name) => socket(`${name}.conf`))] },
    start('zebra', '-n', '-A', '127.0.0.1', '-s', '90000000'),
    { argv: ['test', '-S', socket('zserv.api')], patient: true },
    start('bfdd', '--bfdctl', socket('bfdd.sock')),
    start('bgpd'),
    { argv: ['test', '-S', socket('bgpd.vty')], patient: true },
    { argv: ['test', '-S', socket('bfdd.vty')], patient: true },
  ];
  return steps.map(guarded);
}

export const frrSteps: Steps<FrrState> = {
  create: ({ path, lines }, site) => [configure(site, ...contextCommands(path, [], lines)), ...heed(path, lines, site)],
  change: (from, to, site) => [configure(site, ...contextCommands(to.path, from.lines, to.lines)), ...heed(to.path, to.lines.filter((line) => !from.lines.includes(line)), site)],
  // bgpd refuses to drop a VRF's instance until zebra has told it that the VNI is gone.
  remove: (state, site) => [
    { ...configure(site, ...removalCommands(state)), ...(/^router bgp \d+ vrf \S+$/.test(state.path.at(-1) ?? '') ? { patient: true } : {}) },
    ...heed(state.path, [], site),
  ],
  // The order in which FRR prints lines says nothing.
  same: (from, to) => lineCommands(from.lines, to.lines).length === 0,
};

/**
 * bgpd itself looks only five seconds later at what a changed list makes of routes that it has heard. Hosts of the new entries
 * are written down only when zebra has forgotten them as somebody else's: else it takes them for moved and counts on, and other
 * leaves go on sending to the leaf with the highest count when that is gone (FRR 8.4 takes no lower one from another).
 */
const heed = ([top = '']: readonly string[], fresh: readonly string[], site: Site): readonly Step[] => {
  if (!top.startsWith('mac access-list ')) return [];
  const forgotten = fresh.map((line) => `(?<![^])(?![^]*${line.split(' ').at(-1)} +remote)`);
  const soon = forgotten.length === 0 ? [] : [{ ...vtysh(site, 'show evpn mac vni all'), until: forgotten }];
  return [vtysh(site, 'clear bgp l2vpn evpn * soft in'), ...soon];
};
