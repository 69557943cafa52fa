/**
 * From a change to the last acknowledgement of 4,200 devices. Server and devices are two processes on the same machine; the
 * devices are real agents on simulated data planes (src/simulate), and what counts is their word that the change is programmed.
 * Beside it a bare grpc-js server that sends as many bytes and hears as many answers. HEDDLE_BENCH_DEVICES chooses another number
 * of them, a multiple of 4.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApiClient } from '../src/client/http.ts';
import { readKubeconfig } from '../src/client/kubeconfig.ts';
import { percentile, type Benchmark, type Figure } from './figure.ts';
import { measureEcho } from './peers/echo.ts';
import { Child, fleetFlags, serverFlags } from './scale/child.ts';
import type { FleetAnswer, FleetQuestion } from './scale/fleet.ts';
import type { PlaneAnswer, PlaneQuestion } from './scale/plane.ts';
import type { SouthboundAnswer, SouthboundQuestion } from './scale/southbound.ts';
import { leafName, subnetName, subnetsPerVpc, vpcName } from './workload.ts';

const devices = Array.from({ length: Number(process.env['HEDDLE_BENCH_DEVICES'] ?? 4200) }, (_, number) => leafName(number));
const rounds = 12;
const warmUp = 3;
/** 40 rows are 2 KB on the wire. */
const rows = 40;
const perGroup = 42;
const sustainSeconds = 5;
const rowsPerChange = 50;
/** W(n) has 4 leaves a VPC. */
const vpcs = devices.length / 4;
const smallChanges = 120;

type Report = (figure: Figure) => void;

export const run: Benchmark = async (report) => {
  await ofServiceAlone(report);
  await ofWholeControlPlane(report);
};

const ofServiceAlone = async (report: Report): Promise<void> => {
  const server = new Child<SouthboundQuestion, SouthboundAnswer>('southbound.ts', serverFlags);
  const fleet = new Child<FleetQuestion, FleetAnswer>('fleet.ts', fleetFlags);
  const measured: SouthboundAnswer[] = [];
  const few: SouthboundAnswer[] = [];
  let sustained: SouthboundAnswer;
  let resident: number;
  try {
    const { address = '', ca = '', secret = '' } = await server.ask({ do: 'open', devices, perGroup });
    await fleet.ask({ do: 'start', server: address, ca, secret, devices });
    await server.ask({ do: 'settled' });
    for (let round = 0; round < rounds + warmUp; round += 1) {
      const answer = await server.ask({ do: 'round', scope: 'vpc/1', rows });
      if (round >= warmUp) measured.push(answer);
      await delay(200);
    }
    for (let round = 0; round < 40; round += 1) few.push(await server.ask({ do: 'round', scope: `vpc/${2 + (round % Math.ceil(devices.length / perGroup))}`, rows }));
    resident = server.residentMegabytes();
    sustained = await server.ask({ do: 'sustain', seconds: sustainSeconds, rows: rowsPerChange });
  } finally {
    await Promise.all([server.end(), fleet.end()]);
  }
  const echo = await measureEcho(devices.length, 2048, 6);
  const peer = 'grpc-js echo';
  const { length: n } = measured;
  const median = (of: (answer: SouthboundAnswer) => number | undefined): number => percentile(measured.map((answer) => of(answer) ?? NaN), 0.5);
  const subject = `2 KB of a scope shared by ${devices.length} devices`;
  report({ figure: `${subject}, half acknowledged`, value: median(({ p50 }) => p50), unit: 'ms', n, peer, peerValue: echo.p50 });
  report({ figure: `${subject}, 99 % acknowledged`, value: median(({ p99 }) => p99), unit: 'ms', n, limit: 900, peer, peerValue: echo.p99 });
  report({ figure: `${subject}, all acknowledged`, value: median(({ last }) => last), unit: 'ms', n, peer, peerValue: echo.last });
  report({ figure: `${subject}, server CPU`, value: median(({ cpu }) => cpu), unit: 'ms', n, limit: 200, peer, peerValue: echo.cpu });
  report({ figure: `server with ${devices.length} streams, resident`, value: resident, unit: 'MB', n: 1, peer, peerValue: echo.residentMegabytes });
  report({ figure: `2 KB to ${perGroup} devices, all acknowledged, p50`, value: percentile(few.map(({ last = NaN }) => last), 0.5), unit: 'ms', n: few.length });
  const { rows: acked = 0, seconds = NaN, cpu = NaN } = sustained;
  report({ figure: `row updates acknowledged, ${Math.ceil(devices.length / perGroup)} scopes changing at once`, value: acked / seconds, unit: '1/s', n: acked, limit: 100_000 });
  report({ figure: 'server CPU for each 100,000 of them', value: (cpu / acked) * 100_000, unit: 'ms', n: acked });
};

const ofWholeControlPlane = async (report: Report): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), 'heddle-bench-'));
  const server = new Child<PlaneQuestion, PlaneAnswer>('plane.ts', serverFlags);
  const fleet = new Child<FleetQuestion, FleetAnswer>('fleet.ts', fleetFlags);
  try {
    const { kubeconfig = '', southbound = '', ca = '', secret = '' } = await server.ask({ do: 'open', data });
    await server.ask({ do: 'load', vpcs });
    await server.ask({ do: 'forget' });
    await fleet.ask({ do: 'start', server: southbound, ca, secret, devices });
    await server.ask({ do: 'settled' });
    await server.ask({ do: 'rest' });
    const { times, cpu, most } = await changeVpcs(server, kubeconfig);
    const subject = `a VPC's 4 segments changed on ${most} of ${devices.length} devices, API write to last acknowledgement`;
    report({ figure: `${subject}, p50`, value: percentile(times, 0.5), unit: 'ms', n: times.length, limit: 50 });
    report({ figure: `${subject}, p99`, value: percentile(times, 0.99), unit: 'ms', n: times.length, limit: 300 });
    report({ figure: 'control plane CPU for each', value: cpu / times.length, unit: 'ms', n: times.length });
  } finally {
    await Promise.all([server.end(), fleet.end()]);
    rmSync(data, { recursive: true });
  }
};

/** One write over HTTPS after another, each of another VPC; every subnet gets another lease time. */
const changeVpcs = async (
  server: Child<PlaneQuestion, PlaneAnswer>,
  kubeconfig: string,
): Promise<{ readonly times: readonly number[]; readonly cpu: number; readonly most: number }> => {
  const client = createApiClient(readKubeconfig(kubeconfig));
  const times: number[] = [];
  let [cpu, most] = [0, 0];
  try {
    for (let round = 0; round < Math.min(smallChanges, vpcs); round += 1) {
      const before = await server.ask({ do: 'watch' });
      const began = performance.timeOrigin + performance.now();
      await client.call({ method: 'PATCH', path: vpcPath(round), body: leaseTimes(4000 + round), contentType: 'application/merge-patch+json' });
      const after = await server.ask({ do: 'acknowledged' });
      times.push((after.at ?? NaN) - began);
      // Until the status is written, too.
      await delay(50);
      cpu += ((await server.ask({ do: 'watch' })).cpu ?? NaN) - (before.cpu ?? NaN);
      most = Math.max(most, after.devices ?? 0);
    }
  } finally {
    client.close();
  }
  return { times, cpu, most };
};

const vpcPath = (number: number): string => `/apis/heddle.dev/v1alpha1/namespaces/default/vpcs/${vpcName(number)}`;

const leaseTimes = (leaseSeconds: number): object => {
  const subnets = Array.from({ length: subnetsPerVpc }, (_, subnet) => [subnetName(subnet), { dhcp: { leaseSeconds } }]);
  return { spec: { subnets: Object.fromEntries(subnets) } };
};
