/** The lab level of a scenario: real agents, daemons and packets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { run } from '../kit/process.ts';
import { agentFiles } from '../lab/agents.ts';
import { openApi } from '../lab/api.ts';
import { crashSwitch, cutLink, healLink, killAgent, killFrr, killProgram, killServer, restartAgent, restartServer, startSwitch } from '../lab/chaos.ts';
import { checkPairs } from '../lab/check.ts';
import { asTyped } from '../lab/exec.ts';
import { inside, nodeEnvironment } from '../lab/inside.ts';
import { isSwitch } from '../lab/manifest.ts';
import { prefixOf, type Announced } from '../lab/oracle.ts';
import { addressesOf } from '../lab/probe.ts';
import { setUpRouters } from '../lab/routers.ts';
import type { LabHandle } from '../lab/up.ts';
import type { Prefix } from '../net/brand.ts';
import type { ApiStage } from './apistage.ts';
import { describePairs, portsOf, surprises, type Reach } from './matrix.ts';
import { pingDuring } from './pings.ts';
import { announce } from './announce.ts';
import type { ExecStep } from './scenario.ts';
import type { Stage } from './stage.ts';
import { eventually } from './waiting.ts';

/** @param tell told what came of pings that went on during steps */
export const labStage = (lab: LabHandle, api: ApiStage, tell: (line: string) => void): Stage => {
  const announced = new Map<string, readonly Prefix[]>();
  return {
    apply: async (objects) => {
      await api.apply(objects);
      await setUpRouters(lab.manifest, objects);
    },
    delete: (ref) => api.delete(ref),
    refuse: (object, paths) => api.refuse(object, paths),
    expect: (expectation) => api.expect(expectation),
    allow: (ref) => api.allow(ref),
    reach: (wanted) => eventually(() => assertReach(lab, wanted, announced)),
    fault: (fault) => inflict(lab, fault),
    exec: (step) => eventually(() => assertSays(lab, step)),
    leases: async (leases) => {
      for (const [party, addresses] of leases) await eventually(() => assertLease(lab, party, addresses));
    },
    announce: async (server, prefixes) => {
      await announce(lab.manifest, server, prefixes);
      announced.set(server, prefixes.flatMap(prefixOf));
    },
    during: (step, play) => pingDuring(lab, step, play, tell),
  };
};

/** What the story says, what intent says and what the packets say are one. Intent is remembered for when the server is dead. */
const assertReach = async (lab: LabHandle, wanted: Reach | undefined, announced: Announced): Promise<void> => {
  const { pairs } = await checkPairs(lab.manifest, rememberingApi(lab), { ports: portsOf(wanted), announced });
  const surprising = wanted === undefined ? [] : surprises(wanted, pairs);
  assert.ok(surprising.length === 0, describePairs('pairs differ from the story', surprising));
  const differing = pairs.filter(({ expected, actual }) => expected !== actual);
  assert.ok(differing.length === 0, describePairs('pairs differ from intent', differing));
};

const rememberedIn = new WeakMap<LabHandle, Map<string, Awaited<ReturnType<LabHandle['api']['list']>>>>();

const rememberingApi = (lab: LabHandle): Pick<LabHandle['api'], 'list'> => ({
  list: async (kind) => {
    const remembered = rememberedIn.get(lab) ?? new Map<string, Awaited<ReturnType<LabHandle['api']['list']>>>();
    rememberedIn.set(lab, remembered);
    const api = openApi(lab.kubeconfig);
    try {
      if (await api.ready()) remembered.set(kind, await api.list(kind));
      const objects = remembered.get(kind);
      assert.ok(objects !== undefined, 'a story looks at packets before it kills the server');
      return objects;
    } finally {
      api.close();
    }
  },
});

const assertSays = async ({ manifest }: LabHandle, { node, argv, has, lacks }: ExecStep): Promise<void> => {
  const { stdout } = await run(inside(manifest, node, asTyped(manifest, node, argv)), { env: nodeEnvironment(manifest, node), cwd: '/' });
  for (const text of has) assert.ok(stdout.includes(text), `"${argv.join(' ')}" on ${node} does not say "${text}": ${stdout}`);
  for (const text of lacks) assert.ok(!stdout.includes(text), `"${argv.join(' ')}" on ${node} says "${text}": ${stdout}`);
};

const assertLease = async ({ manifest }: LabHandle, party: string, addresses: readonly string[]): Promise<void> => {
  const [server = '', port] = party.split('/');
  const known = await addressesOf(manifest, server);
  const found = port === undefined ? known.values().next().value : known.get(port);
  assert.deepEqual([...(found ?? ['none'])].sort(), [...addresses].sort(), `addresses of ${party}`);
};

const faults: { readonly [fault: string]: (lab: LabHandle, node: string) => Promise<unknown> } = {
  'kill server': ({ manifest }) => killServer(manifest),
  'start server': ({ manifest }) => restartServer(manifest),
  'kill agent': ({ manifest }, node) => killAgent(manifest, node),
  'start agent': async ({ manifest }, node) => {
    await restartAgent(manifest, node);
    await eventually(() => assertAdopted(manifest, node));
  },
  'kill frr': ({ manifest }, node) => killFrr(manifest, node),
  'restart server': ({ manifest }) => restartServer(manifest),
  'cut link': ({ manifest }, connection) => cutLink(manifest, connection),
  'kill dhcp': ({ manifest }, node) => killProgram(manifest, node, 'dnsmasq'),
  'crash switch': ({ manifest }, node) => crashSwitch(manifest, node),
  'start switch': ({ manifest }, node) => startSwitch(manifest, node),
  'pull link': ({ manifest }, connection) => cutLink(manifest, connection, 'carrier'),
  'heal link': ({ manifest }, connection) => healLink(manifest, connection),
  'delete vxlan': (lab, node) => inFirstVrf(lab, node, (vrf) => ['ip', '-n', vrf, 'link', 'delete', `vx${vrf.slice(3)}`]),
  'delete segment': (lab, node) => inFirstVrf(lab, node, async (vrf) => ['ip', '-n', vrf, 'link', 'delete', await firstSegment(lab, node, vrf)]),
};

/** What a device in memory has to be told to refuse, a real one refuses by itself. */
const untold = new Set(['refuse', 'accept']);

/** A restarted agent takes over what is there. Its log is kept over restarts; the last start counts. */
const assertAdopted = async (manifest: LabHandle['manifest'], node: string): Promise<void> => {
  const starts = readFileSync(agentFiles(manifest, node).log, 'utf8').match(/adopted in \d+ ms, \d+ rows rewritten/g) ?? [];
  assert.ok(starts.length >= 2, `the agent of ${node} has not adopted anew`);
  assert.match(starts.at(-1) ?? '', /, 0 rows rewritten/, readFileSync(agentFiles(manifest, node).log, 'utf8'));
};

const inflict = async (lab: LabHandle, text: string): Promise<void> => {
  const [verb = '', what, node = ''] = text.split(' ');
  if (untold.has(verb)) return;
  const fault = faults[`${verb} ${what}`];
  assert.ok(fault !== undefined, `there is no fault "${text}"`);
  await fault(lab, node);
};

type Command = readonly [string, ...string[]];

const inFirstVrf = async (lab: LabHandle, node: string, command: (vrf: string) => Command | Promise<Command>): Promise<void> => {
  const [vrf] = await vrfsOf(lab, node);
  assert.ok(vrf !== undefined, `${node} has no VRF`);
  await run(inside(lab.manifest, node, await command(vrf)));
};

const vrfsOf = async (lab: LabHandle, node: string): Promise<string[]> => {
  const { stdout } = await run(inside(lab.manifest, node, ['ip', 'netns', 'list']));
  return stdout.split('\n').map((line) => line.split(' ')[0] ?? '').filter((vrf) => vrf.startsWith('vrf'));
};

/** Name of a bridge that has a gateway address: the segment's, not the L3VNI's. */
const firstSegment = async (lab: LabHandle, node: string, vrf: string): Promise<string> => {
  const { stdout } = await run(inside(lab.manifest, node, ['ip', '-n', vrf, '-4', '-o', 'address', 'show']));
  const bridge = stdout.split('\n').map((line) => line.split(/\s+/)[1] ?? '').find((device) => device.startsWith('br'));
  assert.ok(bridge !== undefined, `${vrf} on ${node} has no segment`);
  return bridge;
};

/**
 * Nothing of a story stays behind, in servers neither: a port that is attached anew within a moment may never have been seen
 * without carrier, and its server keeps the address that it had in another VPC until it asks for the next one.
 */
export const assertNoTenantsLeft = async (lab: LabHandle): Promise<void> => {
  for (const { name, role } of lab.manifest.nodes) {
    if (isSwitch({ role })) assert.deepEqual(await vrfsOf(lab, name), [], `VRFs left on ${name}`);
    if (role === 'server') assert.deepEqual([...(await addressesOf(lab.manifest, name))], [], `addresses left on ${name}`);
  }
};
