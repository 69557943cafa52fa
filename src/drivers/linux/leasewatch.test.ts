import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { merge } from '../../goal/tables.ts';
import type { Row } from '../../goal/rows.ts';
import type { Address, Mac, Vni } from '../../net/brand.ts';
import { until } from '../../kit/testing.ts';
import type { Lease } from '../driver.ts';
import { host } from './fixture/goals.ts';
import { LeaseWatch } from './leasewatch.ts';
import { parseDeclined, parseLeases } from './read/leases.ts';
import { dhcpHeldDirectory, dhcpLeaseFile, dhcpLogFile } from './steps/dhcp.ts';

const duid = 'duid 00:03:00:01:02:00:5e:00:01:01\n';
const range: Row = { table: 'dhcpRange', key: '1001/10.1.1.128', value: { segment: 1001 as Vni, from: '10.1.1.128' as Address, to: '10.1.1.131' as Address } };
const reservation: Row = {
  table: 'reservation',
  key: '1001/0a:00:00:00:00:07',
  value: { segment: 1001 as Vni, mac: '0a:00:00:00:00:07' as Mac, address: '10.1.1.70' as Address },
};
const goal = merge([[range, reservation, host('p1', 1001, '10.1.1.50', '0a:00:00:00:00:01'), host('p1', 1001, 'fd00::50', '0a:00:00:00:00:01')]]);

test('lines of the file are leases of either family, and what is none is passed over', () => {
  const text = `1795255488 02:00:00:00:00:99 10.1.0.131 * *\n1795255466 02:00:00:00:00:01 10.1.0.77 a1 01:02\n${duid}1795255482 1 fd00::77 a1 00:03\n1795 02:00`;
  assert.deepEqual(parseLeases(text), [
    { address: '10.1.0.131', mac: '02:00:00:00:00:99', hostname: '' },
    { address: '10.1.0.77', mac: '02:00:00:00:00:01', hostname: 'a1' },
    { address: 'fd00::77', hostname: 'a1' },
  ]);
  const log = 'Nov 21 09:56:07 dnsmasq-dhcp[7]: read hosts\nNov 21 09:56:07 dnsmasq-dhcp[7]: DHCPDECLINE(br1001) 10.1.0.130 02:00:00:00:00:98 \n';
  assert.deepEqual(parseDeclined(log), ['10.1.0.130']);
});

describe('what DHCP servers write', () => {
  let directory: string;
  let watch: LeaseWatch;
  let told: (readonly Lease[])[];
  const site = () => ({ directory, underlay: '', user: 'frr' });
  const write = (...lines: string[]): void => writeFileSync(dhcpLeaseFile(site(), 1001), lines.map((line) => `${line}\n`).join(''));
  const held = (): string[] => readdirSync(dhcpHeldDirectory(site(), 1001));
  const start = (holdMilliseconds?: number): void => {
    watch = new LeaseWatch(site(), { quietMilliseconds: 5, ...(holdMilliseconds === undefined ? {} : { holdMilliseconds }) });
    watch.wanted(goal);
    watch.start((leases) => told.push(leases));
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'heddle-leases-'));
    told = [];
    mkdirSync(dhcpHeldDirectory(site(), 1001), { recursive: true });
    writeFileSync(dhcpLogFile(site(), 1001), '');
  });
  afterEach(async () => {
    await watch.stop();
    rmSync(directory, { recursive: true });
  });

  test('is told when it changes: who may have an address here, and what a server is called that does not say it', async () => {
    write('1 0a:00:00:00:00:01 10.1.1.50 * *', '1 0a:00:00:00:00:02 10.1.1.129 guest *', '1 0a:00:00:00:00:03 10.1.1.9 former *');
    start();
    await until('told', () => told.length > 0);
    const declared = { segment: 1001, mac: '0a:00:00:00:00:01', hostname: 'server' };
    assert.deepEqual(told.at(-1), [
      { ...declared, address: '10.1.1.50' },
      { segment: 1001, mac: '0a:00:00:00:00:02', address: '10.1.1.129', hostname: 'guest' },
    ]);
    write('1 0a:00:00:00:00:07 10.1.1.70 * *', duid.trim(), '1 9 fd00::50 * 00:03');
    await until('told again', () => told.at(-1)?.length === 2 && told.at(-1)?.[0]?.address === '10.1.1.70');
    assert.deepEqual(told.at(-1)?.[1], { ...declared, address: 'fd00::50' });
  });

  test('about declined addresses keeps them from everybody, for a while', async () => {
    start(300);
    await until('looked', () => told.length > 0);
    appendFileSync(dhcpLogFile(site(), 1001), 'Nov 21 09:56:07 dnsmasq-dhcp[7]: DHCPDECLINE(br1001) 10.1.1.130 02:00:00:00:00:98 \n');
    const file = join(dhcpHeldDirectory(site(), 1001), '10.1.1.130');
    await until('held', () => existsSync(file));
    await until('free', () => held().length === 0);
  });

  test('about declined addresses is heard once, and not of the time before', async () => {
    writeFileSync(dhcpLogFile(site(), 1001), 'Nov 21 09:50:00 dnsmasq-dhcp[7]: DHCPDECLINE(br1001) 10.1.1.128 02:00:00:00:00:98 \n');
    start();
    await until('looked', () => told.length > 0);
    appendFileSync(dhcpLogFile(site(), 1001), 'Nov 21 09:56:07 dnsmasq-dhcp[7]: DHCPDECLINE(br1001) 10.1.1.130 02:00:00:00:00:98 \n');
    await until('held', () => held().length > 0);
    assert.deepEqual(held(), ['10.1.1.130']);
    assert.equal(readFileSync(join(dhcpHeldDirectory(site(), 1001), '10.1.1.130'), 'utf8'), '00:00:5e:00:53:00,10.1.1.130\n');
  });
});
