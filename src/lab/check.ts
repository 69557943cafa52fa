/** `heddle lab check`: probes every ordered pair of parties and compares what happened with what people declared. */
import { kindByName } from '../api/kinds.ts';
import type { Resource } from '../api/object.ts';
import { formatTable } from '../kit/table.ts';
import { openApi, type LabApi } from './api.ts';
import { planOf, type Addresses, type CheckedPair, type ProbeOptions } from './checkplan.ts';
import { isServer, readManifest, type Manifest } from './manifest.ts';
import { intentKinds, type Intent } from './oracle.ts';
import { addressesOf, sendProbes } from './probe.ts';
import { setUpServers } from './servers.ts';
import { together } from './progress.ts';
import { formatService, type Family } from './service.ts';

export type { CheckedPair } from './checkplan.ts';

export interface CheckResult {
  /** True when every pair is as expected. */
  readonly ok: boolean;
  readonly pairs: readonly CheckedPair[];
}

export interface CheckOptions extends ProbeOptions {
  readonly name: string;
}

/** Checks a lab that is up; `NotFound` when it is not. */
export const labCheck = async ({ name, ...options }: CheckOptions): Promise<CheckResult> => {
  const manifest = readManifest(name);
  const api = openApi(manifest.controlPlane.kubeconfig);
  try {
    return await checkPairs(manifest, api, options);
  } finally {
    api.close();
  }
};

/**
 * Probes that should have passed and did not are sent once more, because the first packet between two hosts may wait for
 * address resolution; a probe that should not have passed and did is a leak at once.
 */
export const checkPairs = async (manifest: Manifest, api: Pick<LabApi, 'list'>, options: ProbeOptions = {}): Promise<CheckResult> => {
  const { onlyAllowed = false, signal } = options;
  const nodes = manifest.nodes.filter(isServer).map(({ name }) => name);
  const intent = await readIntent(api);
  await setUpServers(manifest, intent.VPCAttachment ?? [], intent.Connection ?? [], signal);
  const addresses = await readAddresses(manifest, nodes, signal);
  const planned = planOf(intent, nodes, addresses, options).filter(({ pair }) => !onlyAllowed || pair.expected === 'allow');
  const probes = planned.flatMap(({ probe }) => probe ?? []);
  const verdicts = new Map(zip(probes, await sendProbes(manifest, probes, signal)));
  const again = planned.flatMap(({ probe, pair }) => (probe !== undefined && pair.expected !== 'deny' && verdicts.get(probe) !== pair.expected ? probe : []));
  for (const [probe, verdict] of zip(again, await sendProbes(manifest, again, signal))) verdicts.set(probe, verdict);
  const pairs = planned.map(({ pair, probe }): CheckedPair => {
    const actual = (probe === undefined ? undefined : verdicts.get(probe)) ?? 'deny';
    return Object.assign(pair, { actual });
  });
  return { ok: pairs.every(({ expected, actual }) => expected === actual), pairs };
};

const zip = <A, B>(left: readonly A[], right: readonly B[]): [A, B][] =>
  left.flatMap((item, index): [A, B][] => {
    const other = right[index];
    return other === undefined ? [] : [[item, other]];
  });

export const readIntent = async (api: Pick<LabApi, 'list'>): Promise<Intent> => {
  const known = intentKinds.filter((kind) => kindByName(kind) !== undefined);
  return Object.fromEntries(await Promise.all(known.map(async (kind): Promise<[string, readonly Resource[]]> => [kind, await api.list(kind)])));
};

const readAddresses = async (manifest: Manifest, nodes: readonly string[], signal?: AbortSignal): Promise<Addresses> =>
  new Map(await together(nodes.map(async (name): Promise<[string, Map<string, readonly string[]>]> => [name, await addressesOf(manifest, name, signal)])));

/** A matrix for people, rows to columns: `yes`, `.` (must not and does not), or what is wrong in capitals. */
export const formatCheck = ({ pairs }: CheckResult): string => {
  const names = [...new Set(pairs.flatMap(({ from, to }) => [from, to]))];
  const cells = Map.groupBy(pairs, ({ from, to }) => `${from} ${to}`);
  const rows = names.map((from) => [from, ...names.map((to) => (from === to ? '' : cell(cells.get(`${from} ${to}`) ?? [])))]);
  const right = [...cells.values()].filter((list) => list.every(({ expected, actual }) => expected === actual)).length;
  const notes = [...new Set(pairs.flatMap(({ note }) => note ?? []))].map((note) => `note: ${note}\n`).join('');
  return `${formatTable(['from \\ to', ...names], rows)}${notes}connectivity: ${right} of ${cells.size} ordered pairs as intended\n`;
};

const cell = (pairs: readonly CheckedPair[]): string => {
  const wrong = pairs.filter(({ expected, actual }) => expected !== actual);
  if (wrong.length > 0) {
    const word = wrong[0]?.expected === 'allow' ? 'MISSING' : wrong.some(({ actual }) => actual === 'oneway') ? 'ONEWAY' : 'LEAK';
    return wrong.length === pairs.length ? word : `${word} ${services(wrong)}`;
  }
  const passing = pairs.filter(({ expected }) => expected !== 'deny');
  if (passing.length === 0) return pairs.length === 0 ? '' : '.';
  return passing.length === pairs.length ? 'yes' : services(passing);
};

const ipv4: Family = 4;

const services = (pairs: readonly CheckedPair[]): string =>
  [...new Set(pairs.map(({ proto, family = ipv4, port }) => formatService({ family, proto, ...(port !== undefined && { port }) })))].join(',');
