/**
 * A fabric of 2 spines, 4 leaves (two of them a pair) and 16 servers, all real, while parts of it fail, come and go: how long
 * no packet passes between servers, and how many are lost.
 */
import type { Resource } from '../src/api/object.ts';
import { systemClock as clock } from '../src/kit/clock.ts';
import { sessionsOf } from '../src/lab/bgp.ts';
import { crashSwitch, cutLink, healLink, startSwitch, type Cut } from '../src/lab/chaos.ts';
import { checkPairs } from '../src/lab/check.ts';
import { labDown } from '../src/lab/down.ts';
import { isSwitch } from '../src/lab/manifest.ts';
import { isSpare } from '../src/lab/topology.ts';
import { labUp, type LabHandle } from '../src/lab/up.ts';
import { lossDuring, type PingLoss } from '../src/scenarios/pings.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';

const name = 'bench-failover';
const rounds = 5;
const patience = 30_000;
/** Of pings (every 10 ms): from each server of the first two leaves to one behind another leaf. */
const spread = [4, 5, 9, 11];

const leaves = ['leaf-1', 'leaf-2', 'leaf-3', 'leaf-4'];
const added = 'leaf-5';

export const run: Benchmark = async (report) => {
  await labDown({ name });
  try {
    const began = clock.monotonic();
    const lab = await labUp({ name, objects: wiring() });
    report({ figure: 'lab of 16 servers up until all connected', value: (clock.monotonic() - began) / 1000, unit: 's', n: 1, limit: 45 });
    try {
      await matrix(lab, report);
      await failovers(lab, report);
      await growth(lab, report);
      await drains(lab, report);
    } finally {
      lab.close();
    }
  } finally {
    await labDown({ name });
  }
};

type Report = (figure: Figure) => void;

const matrix = async ({ manifest, api }: LabHandle, report: Report): Promise<void> => {
  const began = clock.monotonic();
  const { ok, pairs } = await checkPairs(manifest, api);
  if (!ok) throw new Error('not every pair is as intended');
  report({ figure: 'all pairs of 16 servers over icmp, tcp and udp', value: (clock.monotonic() - began) / 1000, unit: 's', n: pairs.length, limit: 30 });
};

const failovers = async (lab: LabHandle, report: Report): Promise<void> => {
  const cut = (how: Cut) => repeated(lab, () => cutLink(lab.manifest, 'spine-1--leaf-1', how), () => healLink(lab.manifest, 'spine-1--leaf-1'));
  gaps('uplink of a leaf cut silently (BFD 3 × 100 ms): longest gap', await cut('silent'), 500, report);
  gaps('uplink of a leaf pulled: longest gap', await cut('carrier'), 500, report);
  gaps('spine crashes: longest gap', await repeated(lab, () => crashSwitch(lab.manifest, 'spine-1'), () => startSwitch(lab.manifest, 'spine-1')), 200, report);
};

/** Breaks something under pings so many times, with all sessions up before each. */
const repeated = async (lab: LabHandle, breaks: () => Promise<void>, heals: () => Promise<void>): Promise<PingLoss[][]> => {
  const measured: PingLoss[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    await converged(lab);
    measured.push(await lossDuring(lab.manifest, pings, async () => {
      await breaks();
      await clock.sleep(1500);
    }));
    await heals();
  }
  await converged(lab);
  return measured;
};

/** Of each round the worst of all pings, most of which are not concerned. */
const gaps = (figure: string, measured: readonly PingLoss[][], limit: number, report: Report): void => {
  const worst = measured.map((round) => Math.max(...round.map(({ longestGapMilliseconds }) => longestGapMilliseconds)));
  for (const [share, label] of [[0.5, 'p50'], [1, 'most']] as const) {
    report({ figure: `${figure}, ${label}`, value: percentile(worst, share), unit: 'ms', n: rounds, limit });
  }
  const hit = measured.flat().filter(({ lost }) => lost > 0);
  report({ figure: `${figure.split(':')[0]}: packets lost by a ping that was concerned, p50`, value: hit.length === 0 ? 0 : percentile(hit.map(({ lost }) => lost), 0.5), unit: 'packets', n: hit.length });
};

/** A leaf that stands there is declared, with its cables, a server and an attachment. */
const growth = async (lab: LabHandle, report: Report): Promise<void> => {
  let ready = 0;
  const losses = await lossDuring(lab.manifest, pings, async () => {
    const began = clock.monotonic();
    await lab.api.apply([...wiring().filter(isSpare), attachment('s17', 16, added)]);
    await until('the new server answers', async () => {
      const { pairs } = await checkPairs(lab.manifest, lab.api, { protocols: ['icmp'], onlyAllowed: true });
      const own = pairs.filter(({ from, to }) => from === 's17' || to === 's17');
      return own.length > 0 && own.every(({ actual }) => actual === 'allow');
    });
    ready = (clock.monotonic() - began) / 1000;
  });
  report({ figure: 'leaf added to the live fabric, until its server reaches all others', value: ready, unit: 's', n: 1, limit: 15 });
  lostPackets('leaf added to the live fabric: packets lost between the others', losses, report);
};

const drains = async (lab: LabHandle, report: Report): Promise<void> => {
  const spine = (drain: boolean): Promise<void> => lab.api.apply([object('Switch', 'spine-2', { role: 'spine', drain })]);
  const losses = await lossDuring(lab.manifest, pings, async () => {
    await spine(true);
    await programmed(lab, 'spine-2');
    await clock.sleep(1000);
    await crashSwitch(lab.manifest, 'spine-2');
    await clock.sleep(1000);
    await startSwitch(lab.manifest, 'spine-2');
    await converged(lab);
    await spine(false);
    await programmed(lab, 'spine-2');
    await clock.sleep(1000);
  });
  lostPackets('spine drained, switched off and back: packets lost', losses, report);
};

const lostPackets = (figure: string, losses: readonly PingLoss[], report: Report): void => {
  const [lost, sent] = [losses.reduce((sum, each) => sum + each.lost, 0), losses.reduce((sum, each) => sum + each.sent, 0)];
  report({ figure, value: lost, unit: 'packets', n: sent, limit: 0 });
};

const programmed = ({ api }: LabHandle, device: string): Promise<void> =>
  until(`${device} is programmed`, async () => {
    const found = (await api.list('Switch')).find(({ metadata }) => metadata.name === device);
    const { conditions = [] } = (found?.status ?? {}) as { conditions?: readonly { type: string; status: string; observedGeneration?: number }[] };
    return conditions.some(({ type, status, observedGeneration }) => type === 'Programmed' && status === 'True' && observedGeneration === found?.metadata.generation);
  });

/** All sessions are up, and routes that came with them had time to arrive. */
const converged = async ({ manifest }: LabHandle): Promise<void> => {
  await until('all sessions are up', async () => {
    const switches = manifest.nodes.filter((node) => isSwitch(node) && node.spare !== true);
    const sessions = await Promise.all(switches.map((node) => sessionsOf(manifest, node.name)));
    return sessions.every(({ established, expected }) => established >= expected);
  });
  await clock.sleep(1000);
};

const until = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
  const deadline = clock.monotonic() + patience;
  while (!(await isSo())) {
    if (clock.monotonic() > deadline) throw new Error(`waited in vain: ${what}`);
    await clock.sleep(20);
  }
};

const object = (kind: string, objectName: string, spec: unknown, spare = false): Resource => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name: objectName, ...(spare && { annotations: { 'lab.heddle.dev/spare': 'true' } }) },
  spec,
});

const cabled = (upper: string, lower: string, ends: readonly [string, string], spare = false): Resource =>
  object('Connection', `${upper}--${lower}`, { links: [{ ends }] }, spare);

const server = (number: number, leaf: string, port: number, spare = false): Resource[] => {
  const own = `s${number + 1}`;
  const mac = `02:00:00:00:01:${number.toString(16).padStart(2, '0')}`;
  return [object('Server', own, { ports: { eth1: { mac } } }, spare), cabled(own, leaf, [`${own}/eth1`, `${leaf}/E1/${port}`], spare)];
};

const attachment = (own: string, number: number, leaf: string): Resource =>
  object('VPCAttachment', own, { vpc: 'bench', subnet: number % 2 === 0 ? 'front' : 'back', connection: `${own}--${leaf}` });

const uplinks = (leaf: string, position: number, spare = false): Resource[] =>
  ['spine-1', 'spine-2'].map((spine, number) => cabled(spine, leaf, [`${spine}/E1/${position + 1}`, `${leaf}/E1/${49 + number}`], spare));

const wiring = (): Resource[] => {
  const homes = Array.from({ length: 16 }, (_, number) => leaves[number % leaves.length] ?? '');
  return [
    object('Fabric', 'default', { underlay: { bfd: { intervalMilliseconds: 100, multiplier: 3 } } }),
    object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] }),
    ...['spine-1', 'spine-2'].map((spine) => object('Switch', spine, { role: 'spine' })),
    ...leaves.map((leaf, number) => object('Switch', leaf, { role: 'leaf', ...(number >= 2 && { group: 'pair' }) })),
    ...leaves.flatMap((leaf, number) => uplinks(leaf, number)),
    ...homes.flatMap((leaf, number) => server(number, leaf, Math.floor(number / leaves.length) + 1)),
    object('VPC', 'bench', { subnets: { front: { cidr: '10.77.1.0/24' }, back: { cidr: '10.77.2.0/24' } } }),
    ...homes.map((leaf, number) => attachment(`s${number + 1}`, number, leaf)),
    object('Switch', added, { role: 'leaf' }, true),
    ...uplinks(added, leaves.length, true),
    ...server(16, added, 1, true),
  ];
};

/** Servers s1, s5, s9 and s13 are behind leaf-1, the next of each behind leaf-2, and so on. */
const pings = [0, 4, 1, 5].flatMap((from) => spread.map((step) => ({ from: `s${from + 1}`, to: `s${((from + step) % 16) + 1}`, family: 4 as const })))
  .filter(({ from, to }) => (Number(from.slice(1)) - Number(to.slice(1))) % leaves.length !== 0);
