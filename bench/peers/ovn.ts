/**
 * OVN as the peer: how long ovn-northd takes from a northbound change until the southbound database holds what follows
 * from it, for the workload W(n) and for the changes that Heddle's compiler is measured with. `node bench/peers/ovn.ts 25.03 100`
 * prints it alone.
 */
import { startCentral, type Central } from './ovn/central.ts';
import { changesOf, type Change, type RowIds } from './ovn/changes.ts';
import { bindPorts, countSouthbound, loadVpcs, openNorthbound, rowIds, type Northbound } from './ovn/northbound.ts';
import { fetchPrograms, ovnVersions, type OvnVersion } from './ovn/programs.ts';
import { portsPerSubnet, rulesOf, subnetsPerVpc, type Rule } from './ovn/topology.ts';
import { createMeter, medianOf, type Meter, type Stretch } from './meter.ts';

export { ovnVersions, type OvnVersion } from './ovn/programs.ts';

export interface Spent {
  /** Milliseconds from sending the change to hearing that northd committed what follows. */
  readonly wall: number;
  /** Milliseconds on a processor of northd and both database servers in that time. */
  readonly cpu: number;
  /** Repetitions; the values are their medians. */
  readonly n: number;
}

export interface OvnFigures {
  /** Such as `OVN 25.03`. */
  readonly peer: string;
  readonly vpcs: number;
  readonly ports: number;
  readonly chassis: number;
  /** Rows of Logical_Flow after the load. */
  readonly logicalFlows: number;
  /** By the name of the figure: 'cold load and compile', 'add one attachment' … */
  readonly spent: ReadonlyMap<string, Spent>;
  /** Of northd and both database servers at the end, MB of 10^6 bytes. */
  readonly residentMegabytes: number;
  /** Share (0 to 1) of the machine's processors that idled in all timed stretches together: near 0, wall says little. */
  readonly idle: number;
}

export interface OvnOptions {
  /** Repetitions of each change. Default 3. */
  readonly rounds?: number;
  /** Whether each VPC has its six rules. Default true. */
  readonly hasRules?: boolean;
}

type Log = (line: string) => void;

/** Fetches the release if it is not there, measures, and leaves nothing running; also when it fails or is interrupted. */
export const measureOvn = async (version: OvnVersion, vpcs: number, log: Log, options: OvnOptions = {}): Promise<OvnFigures> => {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new Error('interrupted'));
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const programs = await fetchPrograms(version, log);
    const central = await startCentral(programs, interrupt.signal);
    try {
      return await measure(central, `OVN ${version}`, vpcs, log, options, interrupt.signal);
    } finally {
      await central.stop();
    }
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
  }
};

/** The releases that HEDDLE_BENCH_PEER names: `none`, one of them, or `both`, which is the default. */
export const wantedOvnVersions = (wanted = process.env.HEDDLE_BENCH_PEER ?? 'both'): readonly OvnVersion[] => {
  if (wanted === 'none') return [];
  if (wanted === 'both') return ovnVersions;
  const chosen = ovnVersions.filter((version) => version === wanted);
  if (chosen.length === 0) throw new Error(`HEDDLE_BENCH_PEER is "${wanted}": say none, both, ${ovnVersions.join(' or ')}`);
  return chosen;
};

const measure = async (central: Central, peer: string, vpcs: number, log: Log, options: OvnOptions, signal: AbortSignal): Promise<OvnFigures> => {
  const { rounds = 3, hasRules = true } = options;
  const rules = (vpc: number): Rule[] => (hasRules ? rulesOf(vpc) : []);
  const northbound = await openNorthbound(central.northbound, signal);
  const meter = createMeter(pidsOf(central));
  const spent = new Map<string, Spent>();
  const record = (name: string, measured: readonly Stretch[]): void => {
    const { wall, cpu, n } = medianOf(measured);
    spent.set(name, { wall, cpu, n });
    log(`${peer}, ${vpcs} VPCs: ${name}: ${wall.toFixed(1)} ms, CPU ${cpu.toFixed(1)} ms`);
  };
  const chassis = vpcs * subnetsPerVpc;
  await northbound.translate([]);
  record('cold load and compile', [await meter.time(() => loadVpcs(northbound, vpcs, rules))]);
  await expectBindings(central, vpcs * subnetsPerVpc * (portsPerSubnet + 2));
  const logicalFlows = await countSouthbound(central.southbound, 'Logical_Flow');
  const bind = async (): Promise<void> => {
    await bindPorts(central.southbound, chassis);
    await northbound.translate([]);
  };
  record('bind all ports', [await meter.time(bind)]);
  for (const change of changesOf(await idsOf(central), vpcs, rules)) {
    record(change.name, await repeat(central, northbound, meter, change, rounds, signal));
  }
  await meter.settle(signal);
  const ports = vpcs * subnetsPerVpc * portsPerSubnet;
  return { peer, vpcs, ports, chassis, logicalFlows, spent, residentMegabytes: meter.residentMegabytes(), idle: meter.idle() };
};

const idsOf = async ({ northbound }: Central): Promise<RowIds> => ({
  routers: await rowIds(northbound, 'Logical_Router'),
  switches: await rowIds(northbound, 'Logical_Switch'),
  ports: await rowIds(northbound, 'Logical_Switch_Port'),
  groups: await rowIds(northbound, 'Port_Group'),
});

/** Each round from rest, and with proof that northd answered it: the ports that were to come or go. */
const repeat = async (central: Central, northbound: Northbound, meter: Meter, change: Change, rounds: number, signal: AbortSignal): Promise<Stretch[]> => {
  const measured: Stretch[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await countSouthbound(central.southbound, 'Port_Binding');
    // northd hears its own write again, and may recompute for it, after it has answered.
    await meter.settle(signal);
    measured.push(
      await meter.time(async () => {
        if (change.isRecompute === true) await central.control.call('inc-engine/recompute', []);
        await northbound.translate(change.operations(round));
      }),
    );
    await expectBindings(central, before + change.bindings);
  }
  return measured;
};

const expectBindings = async ({ southbound }: Central, expected: number): Promise<void> => {
  const found = await countSouthbound(southbound, 'Port_Binding');
  if (found !== expected) throw new Error(`OVN bound ${found} ports and not ${expected}: what was measured is not the workload`);
};

const pidsOf = ({ pids }: Central): number[] => Object.values(pids);

if (import.meta.main) {
  const [version = '25.03', vpcs = '100', rounds = '3', rules = 'rules'] = process.argv.slice(2);
  for (const one of wantedOvnVersions(version)) {
    const figures = await measureOvn(one, Number(vpcs), (line) => process.stderr.write(`${line}\n`), { rounds: Number(rounds), hasRules: rules === 'rules' });
    process.stdout.write(`${JSON.stringify({ ...figures, spent: Object.fromEntries(figures.spent) })}\n`);
  }
  process.exit();
}
