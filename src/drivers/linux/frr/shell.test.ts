import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FrrShell, route } from './shell.ts';

type Answers = (command: string) => { readonly text?: string; readonly status?: number };

describe('talking to FRR without vtysh', () => {
  let directory: string;
  let shell: FrrShell;
  let servers: Server[];
  let sockets: Socket[];
  let heard: string[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'heddle-frr-'));
    shell = new FrrShell();
    [servers, sockets, heard] = [[], [], []];
  });
  afterEach(async () => {
    shell.close();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(directory, { recursive: true });
  });

  /** A daemon whose answers come in pieces of a few bytes. */
  const daemon = async (name: string, answers: Answers): Promise<void> => {
    const server = createServer((socket) => {
      sockets.push(socket);
      let rest = '';
      socket.on('data', (chunk) => {
        const commands = `${rest}${chunk.toString()}`.split('\0');
        rest = commands.pop() ?? '';
        for (const command of commands) {
          heard.push(`${name}: ${command}`);
          const { text = '', status = 0 } = answers(command);
          const bytes = Buffer.concat([Buffer.from(text), Buffer.from([0, 0, 0, status])]);
          for (let start = 0; start < bytes.length; start += 3) socket.write(bytes.subarray(start, start + 3));
        }
      });
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(directory, `${name}.vty`), resolve));
  };
  const run = (...commands: readonly string[]) =>
    shell.run(['vtysh', '--vty_socket', directory, ...commands.flatMap((command) => ['-c', command])]);

  it('sends every line to the daemon it belongs to, as vtysh 8.4 does', () => {
    const daemonsOf = (...lines: readonly string[]) => route(lines)?.map(({ line, daemons }) => `${line} -> ${daemons.join()}`);
    assert.deepEqual(daemonsOf('configure terminal', 'vrf v1', 'vni 1', 'end', 'configure terminal', 'router bgp 1', 'no neighbor x'), [
      'configure terminal -> zebra', 'vrf v1 -> zebra', 'vni 1 -> zebra', 'end -> zebra',
      'configure terminal -> bgpd', 'router bgp 1 -> bgpd', 'no neighbor x -> bgpd', 'end -> bgpd',
    ]);
    assert.deepEqual(daemonsOf('configure terminal', 'route-map M permit 10', 'set local-preference 0')?.slice(1), [
      'route-map M permit 10 -> bgpd', 'set local-preference 0 -> bgpd', 'end -> bgpd',
    ]);
    assert.deepEqual(daemonsOf('configure terminal', 'bfd', 'no profile P'), [
      'configure terminal -> bfdd', 'bfd -> bfdd', 'no profile P -> bfdd', 'end -> bfdd',
    ]);
    assert.deepEqual(daemonsOf('show running-config', 'show evpn vni'), ['show running-config -> zebra,bfdd,bgpd', 'show evpn vni -> zebra']);
    assert.equal(route(['configure terminal', 'key chain K']), undefined);
    assert.equal(route(['write file']), undefined);
  });

  it('answers what all daemons say, with one end', async () => {
    for (const name of ['zebra', 'bfdd', 'bgpd']) await daemon(name, () => ({ text: `of ${name}\nend\n` }));
    assert.deepEqual(await run('show running-config'), { status: 0, stdout: 'of zebra\nof bfdd\nof bgpd\nend\n', stderr: '' });
  });

  it('stops at the line that fails, says why, leaves the configuration, and goes on with the next command', async () => {
    await daemon('bgpd', (command) => (command === 'nonsense' ? { status: 2 } : command === 'refused' ? { text: 'not now\n', status: 13 } : {}));
    assert.deepEqual(await run('configure terminal', 'router bgp 1', 'nonsense', 'never'), { status: 1, stdout: '% Unknown command: nonsense\n', stderr: '' });
    assert.deepEqual(await run('configure terminal', 'router bgp 1', 'refused'), { status: 1, stdout: 'not now\n', stderr: '' });
    assert.equal((await run('configure terminal', 'router bgp 1', 'fine'))?.status, 0);
    assert.deepEqual(heard.filter((line) => !line.endsWith('enable')).map((line) => line.slice(6)), [
      'configure terminal', 'router bgp 1', 'nonsense', 'end',
      'configure terminal', 'router bgp 1', 'refused', 'end',
      'configure terminal', 'router bgp 1', 'fine', 'end',
    ]);
  });

  it('fails while a daemon is away, and finds it again', async () => {
    assert.equal((await run('show vrf'))?.status, 1);
    await daemon('zebra', () => ({ text: 'vrf a' }));
    assert.equal((await run('show vrf'))?.stdout, 'vrf a');
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    const again = [await run('show vrf'), await run('show vrf')];
    assert.equal(again.at(-1)?.stdout, 'vrf a');
  });

  it('never sends a line that holds the end of one', async () => {
    await daemon('zebra', () => ({}));
    assert.match((await run('configure terminal', 'vrf v1', 'vni 1\0no vrf v2'))?.stderr ?? '', /cannot be a command/);
    assert.ok(heard.every((line) => !line.includes('no vrf')));
  });
});
