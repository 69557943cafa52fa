/** `heddle lab check`: probes every ordered pair of servers and compares what happened with what the tenants declared. */
import type { Resource } from '../api/object.ts';
import { formatTable } from '../kit/table.ts';
import { openApi, type LabApi } from './api.ts';
import { isSwitch, readManifest, type Manifest } from './manifest.ts';
import { endpointsOf, intentKinds, reachable, type Endpoint, type Intent } from './oracle.ts';
import { addressesOf, sendProbes, type Probe, type Protocol, type Verdict } from './probe.ts';
import { together } from './progress.ts';

export interface CheckedPair {
  readonly from: string;
  readonly to: string;
  readonly proto: Protocol;
  readonly expected: 'allow' | 'deny';
  readonly actual: Verdict;
  /** Why there was nothing to probe. */
  readonly note?: string;
}

export interface CheckResult {
  /** True when every pair is as expected. */
  readonly ok: boolean;
  readonly pairs: readonly CheckedPair[];
}

export interface CheckOptions extends ProbeOptions {
  readonly name: string;
}

export interface ProbeOptions {
  /** Default both. */
  readonly protocols?: readonly Protocol[];
  /** Leaves out the pairs that must not connect: what a wait for connectivity needs. */
  readonly onlyAllowed?: boolean;
  readonly signal?: AbortSignal;
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
export const checkPairs = async (
  manifest: Manifest,
  api: Pick<LabApi, 'list'>,
  { protocols = ['icmp', 'tcp'], onlyAllowed = false, signal }: ProbeOptions = {},
): Promise<CheckResult> => {
  const servers = manifest.nodes.filter((node) => !isSwitch(node)).map(({ name }) => name);
  const [intent, addresses] = await Promise.all([readIntent(api), readAddresses(manifest, servers, signal)]);
  const wanted = expectations(intent, servers).filter(({ expected }) => !onlyAllowed || expected === 'allow');
  const planned = wanted.flatMap((pair) => protocols.map((proto) => plan(pair, proto, addresses)));
  const probes = planned.flatMap(({ probe }) => probe ?? []);
  const verdicts = new Map(zip(probes, await sendProbes(manifest, probes, signal)));
  const again = planned.flatMap(({ probe, pair }) => (probe !== undefined && pair.expected === 'allow' && verdicts.get(probe) !== 'allow' ? probe : []));
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

const readIntent = async (api: Pick<LabApi, 'list'>): Promise<Intent> => {
  const lists = await Promise.all(intentKinds.map(async (kind): Promise<[string, readonly Resource[]]> => [kind, await api.list(kind)]));
  const of = Object.fromEntries(lists);
  const list = (kind: keyof Intent): readonly Resource[] => of[kind] ?? [];
  return {
    Server: list('Server'),
    Connection: list('Connection'),
    AddressSpace: list('AddressSpace'),
    VPC: list('VPC'),
    VPCAttachment: list('VPCAttachment'),
    VPCPeering: list('VPCPeering'),
  };
};

/** Addresses by server and port. */
type Addresses = ReadonlyMap<string, ReadonlyMap<string, string>>;

const readAddresses = async (manifest: Manifest, servers: readonly string[], signal?: AbortSignal): Promise<Addresses> =>
  new Map(await together(servers.map(async (name): Promise<[string, Map<string, string>]> => [name, await addressesOf(manifest, name, signal)])));

/** One of a pair: a server, and where it is attached if it is. A server with two attachments takes part twice. */
interface Party {
  readonly label: string;
  readonly server: string;
  readonly endpoint?: Endpoint;
}

interface ExpectedPair {
  readonly from: Party;
  readonly to: Party;
  readonly expected: 'allow' | 'deny';
}

/** Every ordered pair of parties on different servers. */
export const expectations = (intent: Intent, servers: readonly string[]): ExpectedPair[] => {
  const endpoints = Map.groupBy(endpointsOf(intent), ({ server }) => server);
  const mayReach = reachable(intent);
  const parties = servers.flatMap((server): Party[] => {
    const own = endpoints.get(server) ?? [];
    if (own.length === 0) return [{ label: server, server }];
    return own.map((endpoint) => ({ label: own.length === 1 ? server : `${server}/${endpoint.port}`, server, endpoint }));
  });
  return parties.flatMap((from) =>
    parties
      .filter((to) => to.server !== from.server)
      .map((to): ExpectedPair => {
        const allowed = from.endpoint !== undefined && to.endpoint !== undefined && mayReach(from.endpoint, to.endpoint);
        return { from, to, expected: allowed ? 'allow' : 'deny' };
      }),
  );
};

interface Planned {
  readonly pair: Omit<CheckedPair, 'actual'>;
  /** Left out when the target has no address: then nothing can reach it. */
  readonly probe?: Probe;
}

const plan = ({ from, to, expected }: ExpectedPair, proto: Protocol, addresses: Addresses): Planned => {
  const pair = { from: from.label, to: to.label, proto, expected };
  const known = addresses.get(to.server);
  const address = to.endpoint === undefined ? known?.values().next().value : known?.get(to.endpoint.port);
  if (address === undefined) return { pair: { ...pair, note: `"${to.label}" has no address` } };
  return { pair, probe: { from: from.server, to: to.server, address, proto } };
};

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
  if (wrong.length === 0) return pairs[0]?.expected === 'allow' ? 'yes' : pairs[0] === undefined ? '' : '.';
  const word = wrong[0]?.expected === 'allow' ? 'MISSING' : wrong.some(({ actual }) => actual === 'oneway') ? 'ONEWAY' : 'LEAK';
  return wrong.length === pairs.length ? word : `${word} ${wrong.map(({ proto }) => proto).join(',')}`;
};
