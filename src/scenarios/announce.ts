/** A server of the lab that announces addresses of its own to its gateway by BGP: FRR in the server's namespace. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeddleError } from '../kit/error.ts';
import { run, tryRun } from '../kit/process.ts';
import { inside, labEnvironment } from '../lab/inside.ts';
import { nodeDirectory, type Manifest } from '../lab/manifest.ts';

/** Any that is not the fabric's. */
const serverAsn = 4_199_999_999;

/** Makes the server announce exactly these prefixes, and have their addresses. An empty list ends it. */
export const announce = async (manifest: Manifest, server: string, prefixes: readonly string[]): Promise<void> => {
  const directory = join(nodeDirectory(manifest, server), 'frr');
  const within = (argv: readonly [string, ...string[]]) => run(inside(manifest, server, argv), { env: labEnvironment(manifest), cwd: '/' });
  await stop(manifest, server, directory);
  await within(['ip', 'addr', 'flush', 'dev', 'lo', 'scope', 'global']);
  if (prefixes.length === 0) return;
  const { stdout } = await within(['ip', '-4', 'route', 'show', 'default']);
  const gateway = /via (\S+)/.exec(stdout)?.[1];
  if (gateway === undefined) throw new HeddleError('Unavailable', `"${server}" has no default route, and so no gateway to speak to`);
  for (const prefix of prefixes) await within(['ip', 'addr', 'replace', prefix, 'dev', 'lo']);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  writeFileSync(join(directory, 'zebra.conf'), '');
  writeFileSync(join(directory, 'bgpd.conf'), configuration(gateway, prefixes));
  // As another user than its own FRR does not start.
  await within(['chown', '-R', 'frr:frr', directory]);
  // Without zebra bgpd does not know that its neighbour is on a link.
  for (const daemon of ['zebra', 'bgpd']) {
    const files = ['-f', join(directory, `${daemon}.conf`), '-i', join(directory, `${daemon}.pid`), '-z', join(directory, 'zserv.api')];
    await within([`/usr/lib/frr/${daemon}`, '-d', '-u', 'frr', '-g', 'frr', ...files, '--vty_socket', directory, '-P', '0']);
  }
};

const configuration = (gateway: string, prefixes: readonly string[]): string =>
  [
    `router bgp ${serverAsn}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ` neighbor ${gateway} remote-as external`,
    ` neighbor ${gateway} timers connect 1`,
    ' address-family ipv4 unicast',
    ...prefixes.filter((prefix) => !prefix.includes(':')).map((prefix) => `  network ${prefix}`),
    ' exit-address-family',
    '',
  ].join('\n');

const stop = async (manifest: Manifest, server: string, directory: string): Promise<void> => {
  for (const daemon of ['bgpd', 'zebra']) {
    const pid = pidIn(join(directory, `${daemon}.pid`));
    if (pid !== undefined) await tryRun(inside(manifest, server, ['kill', '-TERM', pid]), { env: labEnvironment(manifest) });
  }
};

const pidIn = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
};
