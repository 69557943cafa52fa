/**
 * OVN's answer to "where does this packet go": ovn-trace as a daemon, asked over its control socket (which spares the 4 ms that
 * `ovn-appctl` takes), between two subnets of one VPC of W(n). `node bench/peers/ovntrace.ts 25.03 50` prints it alone.
 */
import { residentMegabytes } from './meter.ts';
import { startCentral } from './ovn/central.ts';
import { loadVpcs, openNorthbound } from './ovn/northbound.ts';
import { fetchPrograms, type OvnVersion } from './ovn/programs.ts';
import { portMac, portName, prefix, routerMac, rulesOf, switchName } from './ovn/topology.ts';

export interface OvnTrace {
  readonly peer: string;
  /** From the start of the daemon to its first answer. */
  readonly firstSeconds: number;
  /** Of each trace after that. */
  readonly times: readonly number[];
  readonly residentMegabytes: number;
}

export const measureOvnTrace = async (version: OvnVersion, vpcs: number, rounds: number, log: (line: string) => void): Promise<OvnTrace> => {
  const interrupt = new AbortController();
  const central = await startCentral(await fetchPrograms(version, log), interrupt.signal);
  try {
    const northbound = await openNorthbound(central.northbound, interrupt.signal);
    await loadVpcs(northbound, vpcs, rulesOf);
    const began = performance.now();
    const { pid, control } = await central.tracer();
    try {
      await traceOne(control, 0);
      const firstSeconds = (performance.now() - began) / 1000;
      const times: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const before = performance.now();
        await traceOne(control, (round * 7919) % vpcs);
        times.push(performance.now() - before);
      }
      return { peer: `OVN ${version} ovn-trace`, firstSeconds, times, residentMegabytes: residentMegabytes(pid) };
    } finally {
      await control.call('exit', []).catch(() => undefined);
      control.close();
    }
  } finally {
    await central.stop();
  }
};

/** From the first port of a VPC's first subnet to the second of its second, for tcp/443. */
const traceOne = async (control: { call(method: string, params: readonly unknown[]): Promise<unknown> }, vpc: number): Promise<void> => {
  const [from, to] = [{ vpc, subnet: 0 }, { vpc, subnet: 1 }];
  const flow = [
    `inport == "${portName(from, 0)}"`, `eth.src == ${portMac(from, 0)}`, `eth.dst == ${routerMac(from)}`,
    `ip4.src == ${prefix(from)}.10`, `ip4.dst == ${prefix(to)}.11`, 'ip.ttl == 64', 'tcp.dst == 443',
  ].join(' && ');
  const answer = String(await control.call('trace', [switchName(from), flow]));
  if (!answer.includes(`output to "${portName(to, 1)}"`)) throw new Error(`ovn-trace did not deliver: ${answer.slice(-300)}`);
};

if (import.meta.filename === process.argv[1]) {
  const { times, ...rest } = await measureOvnTrace(process.argv[2] === '23.03' ? '23.03' : '25.03', Number(process.argv[3] ?? 50), 50, (line) => console.error(line));
  console.log({ ...rest, p50: times.toSorted((left, right) => left - right)[Math.floor(times.length / 2)] });
}
