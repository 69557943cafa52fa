/**
 * Routers outside: a node of the lab for each External, with the addresses that its declaration gives to the other end, those
 * at which it answers probes, and FRR where it speaks BGP. Set up anew whenever the External is another one.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource } from '../api/object.ts';
import { run, tryRun, type Argv } from '../kit/process.ts';
import { inside, labEnvironment, scripts } from './inside.ts';
import { isErrno, nodeDirectory, type Manifest } from './manifest.ts';
import { together } from './progress.ts';
import { routerOf, type Router } from './router.ts';

/** Sets up the router of every External among the objects that has a node in the lab. */
export const setUpRouters = async (manifest: Manifest, objects: readonly Resource[], signal?: AbortSignal): Promise<void> => {
  const nodes = new Set(manifest.nodes.filter(({ role }) => role === 'external').map(({ name }) => name));
  await together(
    objects.filter(({ kind, metadata }) => kind === 'External' && nodes.has(metadata.name)).map((object) => setUp(manifest, routerOf(object, manifest.cables), signal)),
  );
};

const setUp = async (manifest: Manifest, router: Router, signal?: AbortSignal): Promise<void> => {
  const directory = join(nodeDirectory(manifest, router.node), 'frr');
  const plan = planFile(manifest, router.node);
  const text = JSON.stringify(router);
  const before = readText(plan);
  if (before === text) return;
  const options = { env: labEnvironment(manifest), cwd: '/', ...(signal === undefined ? {} : { signal }) };
  const within = (argv: Argv, stdin = '') => run(inside(manifest, router.node, argv), { ...options, stdin });
  await stop(manifest, router.node, directory);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (before !== undefined) await removeVlans(manifest, JSON.parse(before) as Router);
  for (const { trunk, vlan } of router.tagged) await within(['sh', join(scripts, 'vlan.sh'), trunk, `${vlan}`]);
  await setLinks(manifest, router);
  await within(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  if (router.bgp !== undefined) {
    writeFileSync(join(directory, 'zebra.conf'), '');
    writeFileSync(join(directory, 'bgpd.conf'), router.bgp);
    // FRR refuses users that are not of its own group.
    await within(['chown', '-R', 'frr:frr', directory]);
    for (const daemon of ['zebra', 'bgpd']) {
      const files = ['-f', join(directory, `${daemon}.conf`), '-i', join(directory, `${daemon}.pid`), '-z', join(directory, 'zserv.api')];
      await within([`/usr/lib/frr/${daemon}`, '-d', '-u', 'frr', '-g', 'frr', ...files, '--vty_socket', directory, '-P', '0']);
    }
  }
  writeFileSync(plan, text);
};

const removeVlans = async (manifest: Manifest, { node, tagged }: Router): Promise<void> => {
  for (const { trunk, vlan } of tagged) {
    const commands: readonly Argv[] = [['ip', 'link', 'delete', `${trunk}.${vlan}`], ['tc', 'qdisc', 'delete', 'dev', trunk, 'clsact']];
    for (const argv of commands) await tryRun(inside(manifest, node, argv), { env: labEnvironment(manifest), cwd: '/' });
  }
};

/** A port that was pulled has lost its addresses; one that is out fails, and gets them when it comes back. */
const setLinks = async (manifest: Manifest, { node, links }: Router): Promise<void> => {
  const stdin = links.map((line) => `${line}\n`).join('');
  await tryRun(inside(manifest, node, ['ip', '-force', '-batch', '-']), { stdin, env: labEnvironment(manifest), cwd: '/' });
};

/** Gives the router of an External what its ports had, after one of them was plugged in again. */
export const restoreRouter = async (manifest: Manifest, node: string): Promise<void> => {
  const text = readText(planFile(manifest, node));
  if (text !== undefined) await setLinks(manifest, JSON.parse(text) as Router);
};

const planFile = (manifest: Manifest, node: string): string => join(nodeDirectory(manifest, node), 'frr', 'plan.json');

/** The process asked to end; for three seconds that may take, then it is made to. What the next one finds is nobody else's. */
const ending = 'kill -TERM "$0" || exit 0; for look in $(seq 60); do [ -e "/proc/$0/exe" ] || exit 0; sleep 0.05; done; kill -KILL "$0"';

/** bgpd first, so that it takes back what it announced. One that lived on would keep the port and the sessions of its successor. */
const stop = async (manifest: Manifest, node: string, directory: string): Promise<void> => {
  for (const daemon of ['bgpd', 'zebra']) {
    const pid = readText(join(directory, `${daemon}.pid`))?.trim();
    if (pid !== undefined) await tryRun(inside(manifest, node, ['sh', '-c', ending, pid]), { env: labEnvironment(manifest) });
    rmSync(join(directory, `${daemon}.pid`), { force: true });
  }
};

const readText = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
};
