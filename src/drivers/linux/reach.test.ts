import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../../net/brand.ts';
import { reach } from './reach.ts';

const [source, near, far, nowhere] = ['10.255.1.1', '10.255.1.2', '10.255.1.3', '10.255.1.4'] as Address[] as [Address, Address, Address, Address];

test('a VTEP is pinged from the own one, for as long as is wanted; no answer and no route are the same', async () => {
  const ran: string[] = [];
  const status: Readonly<Record<string, number>> = { [near]: 0, [far]: 1, [nowhere]: 2 };
  const reached = await reach(async (argv) => {
    ran.push(argv.join(' '));
    return { status: status[argv.at(-1) ?? ''] ?? 3, stdout: '', stderr: '' };
  }, source, [near, far, nowhere], 2500);
  assert.deepEqual(reached, new Map([[near, true], [far, false], [nowhere, false]]));
  assert.deepEqual(ran.slice(0, 1), ['ping -n -q -c 1 -i 0.2 -w 2 -I 10.255.1.1 10.255.1.2']);
});

test('a device without ping says so', async () => {
  const fail = async (): Promise<never> => {
    throw new Error('the program "ping" is not installed');
  };
  await assert.rejects(reach(fail, source, [near], 1000), /not installed/);
  assert.deepEqual(await reach(fail, source, [], 1000), new Map());
});
