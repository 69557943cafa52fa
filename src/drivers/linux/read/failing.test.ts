import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Output } from '../../../kit/process.ts';
import type { Runner } from '../tools/tools.ts';
import { readRawPlace } from './kernel.ts';
import { readTables } from './nft.ts';

const said = (stdout: string): Output => ({ status: 0, stdout, stderr: '' });
const failed = (stderr: string): Output => ({ status: 1, stdout: '', stderr });
/** The first answer whose word is in the command. */
const runner = (...answers: readonly (readonly [word: string, output: Output])[]): Runner => async (argv) =>
  answers.find(([word]) => argv.includes(word))?.[1] ?? said('');

const table = 'table inet heddle {\n\tset own {\n\t\ttype ipv4_addr\n\t}\n}\n';
const unavailable = { code: 'Unavailable' };

describe('a tool that fails while the device is read', () => {
  it('does not make rules look missing', async () => {
    assert.deepEqual(Object.keys(await readTables('vrf1', runner(['-t', said(table)], ['-i', said('')]))), ['inet']);
    await assert.rejects(readTables('vrf1', runner(['-t', failed('Error: Could not process rule: Cannot allocate memory')])), unavailable);
    await assert.rejects(readTables('vrf1', runner(['-t', said(table)], ['-i', failed('netlink: Error')])), unavailable);
  });

  it('makes neither links nor forwarding entries look missing', async () => {
    const links = said('[{"ifname":"br1","flags":["UP"],"mtu":1500}]\n[]\n[]\n[]\n');
    assert.equal((await readRawPlace('vrf1', runner(['ip', links], ['bridge', said('[]')])))?.links.length, 1);
    await assert.rejects(readRawPlace('vrf1', runner(['ip', failed('Cannot send dump request: No buffer space available')])), unavailable);
    await assert.rejects(readRawPlace('vrf1', runner(['ip', links], ['bridge', failed('Cannot allocate memory')])), unavailable);
  });

  it('is asked again when the kernel could not list all at one moment', async () => {
    const links = '[{"ifname":"br1","flags":["UP"],"mtu":1500}]\n[]\n[]\n[]\n';
    let looks = 0;
    const run: Runner = async (argv) => {
      if (argv[0] === 'bridge') return said('[]');
      looks += 1;
      return looks < 3 ? { ...said('[]\n[]\n[]\n[]\n'), stderr: 'Dump was interrupted and may be inconsistent.\n' } : said(links);
    };
    assert.equal((await readRawPlace('vrf1', run))?.links.length, 1);
    assert.equal(looks, 3);
  });

  it('says of a namespace that is none, or went meanwhile, that it is not there', async () => {
    for (const text of ['setting the network namespace "vrf1" failed: Invalid argument', 'Cannot open network namespace "vrf1": No such file or directory']) {
      assert.equal(await readRawPlace('vrf1', runner(['ip', failed(text)], ['bridge', failed(text)])), undefined);
    }
  });
});
