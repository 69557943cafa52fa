import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../../../kit/process.ts';
import { deviceTools, toolEnvironment } from './tools.ts';

describe('the tools of a device', () => {
  it('are found, and leave no history, also where the agent has neither home nor path', async () => {
    const env = toolEnvironment({});
    assert.deepEqual(Object.keys(env).toSorted(), ['PATH', 'VTYSH_HISTFILE']);
    assert.equal((await run(['printenv', 'VTYSH_HISTFILE'], { env })).stdout, '/dev/null\n');
    assert.deepEqual(toolEnvironment({ PATH: '/opt/bin', HOME: '/root', VTYSH_HISTFILE: '/root/.history_frr' }), {
      PATH: '/opt/bin', HOME: '/root', VTYSH_HISTFILE: '/dev/null',
    });
  });

  it('are counted by program, and what needs no process is not', async () => {
    const tools = deviceTools();
    await tools.run(['true']);
    await tools.run(['true']);
    await tools.run(['test', '-S', '/no/such/socket']);
    await tools.run(['vtysh', '--vty_socket', '/no/such/directory', '-c', 'show vrf']);
    assert.deepEqual([...tools.started], [['true', 2]]);
    await tools.close();
  });
});
