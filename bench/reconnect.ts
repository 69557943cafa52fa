/**
 * Thousands of devices dial at the same time: after a server was replaced by another one, after the network came back, and
 * after all of them lost everything. Server and devices are two processes on the same machine, so that the devices' own part
 * of the handshakes is in the figures. HEDDLE_BENCH_DEVICES chooses another number of
 * them, a multiple of 4.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { Child, fleetFlags, serverFlags } from './scale/child.ts';
import type { FleetAnswer, FleetQuestion } from './scale/fleet.ts';
import type { PlaneAnswer, PlaneQuestion } from './scale/plane.ts';
import type { SouthboundAnswer, SouthboundQuestion } from './scale/southbound.ts';
import { leafName } from './workload.ts';

const devices = Array.from({ length: Number(process.env['HEDDLE_BENCH_DEVICES'] ?? 4200) }, (_, number) => leafName(number));
const rounds = 3;
const vpcs = devices.length / 4;

type Report = (figure: Figure) => void;

export const run: Benchmark = async (report) => {
  await ofServiceAlone(report);
  await ofWholeControlPlane(report);
};

const ofServiceAlone = async (report: Report): Promise<void> => {
  const server = new Child<SouthboundQuestion, SouthboundAnswer>('southbound.ts', serverFlags);
  const fleet = new Child<FleetQuestion, FleetAnswer>('fleet.ts', fleetFlags);
  try {
    const { address = '', ca = '', secret = '' } = await server.ask({ do: 'open', devices, perGroup: 42 });
    await fleet.ask({ do: 'start', server: address, ca, secret, devices });
    await server.ask({ do: 'settled' });
    const measured: { readonly last: number; readonly cpu: number; readonly fleet: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      // An agent that loses a young connection waits longer before it dials again.
      await delay(5000);
      const before = await fleet.ask({ do: 'status' });
      const { last = NaN, cpu = NaN } = await server.ask({ do: 'restart' });
      const after = await fleet.ask({ do: 'status' });
      measured.push({ last, cpu, fleet: after.cpu - before.cpu });
    }
    const subject = `${devices.length} devices return to another server, digests equal`;
    const median = (values: readonly number[]): number => percentile(values, 0.5);
    report({ figure: `${subject}, until the last is confirmed`, value: median(measured.map(({ last }) => last)) / 1000, unit: 's', n: rounds, limit: 5 });
    report({ figure: `${subject}, server CPU`, value: median(measured.map(({ cpu }) => cpu)) / 1000, unit: 's', n: rounds });
    report({ figure: `${subject}, CPU of all devices`, value: median(measured.map((one) => one.fleet)) / 1000, unit: 's', n: rounds });
    report({ figure: `${subject}, server resident`, value: server.residentMegabytes(), unit: 'MB', n: 1 });
  } finally {
    await Promise.all([server.end(), fleet.end()]);
  }
};

const ofWholeControlPlane = async (report: Report): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const server = new Child<PlaneQuestion, PlaneAnswer>('plane.ts', serverFlags);
  const fleet = new Child<FleetQuestion, FleetAnswer>('fleet.ts', fleetFlags);
  const seconds = async (step: () => Promise<unknown>): Promise<number> => {
    await server.ask({ do: 'forget' });
    const began = performance.timeOrigin + performance.now();
    const stepped = step();
    const { at = NaN } = await server.ask({ do: 'settled' });
    await stepped;
    return (at - began) / 1000;
  };
  try {
    const { southbound = '', ca = '', secret = '' } = await server.ask({ do: 'open', data });
    await server.ask({ do: 'load', vpcs });
    const subject = `${devices.length} devices of W(${vpcs})`;
    const first = await seconds(() => fleet.ask({ do: 'start', server: southbound, ca, secret, devices }));
    report({ figure: `${subject} dial for the first time, until the last has programmed everything`, value: first, unit: 's', n: 1, limit: 60 });
    await server.ask({ do: 'rest' });
    const cut = await seconds(() => fleet.ask({ do: 'cut' }));
    report({ figure: `${subject} lose their connections, until the last is confirmed`, value: cut, unit: 's', n: 1, limit: 5 });
    await server.ask({ do: 'rest' });
    await fleet.ask({ do: 'wipe' });
    await delay(2000);
    const empty = await seconds(() => fleet.ask({ do: 'restart' }));
    report({ figure: `${subject} return with nothing, until the last has programmed everything`, value: empty, unit: 's', n: 1, limit: 60 });
    const { peak = NaN } = await server.ask({ do: 'settled' });
    report({ figure: `control plane of W(${vpcs}) with ${devices.length} devices, peak resident`, value: peak, unit: 'MB', n: 1, limit: 2000 });
  } finally {
    await Promise.all([server.end(), fleet.end()]);
    rmSync(data, { recursive: true });
  }
};
