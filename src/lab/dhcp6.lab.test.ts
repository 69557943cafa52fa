import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run, type Argv } from '../kit/process.ts';
import { until } from '../kit/testing.ts';
import { inside, labEnvironment } from './inside.ts';
import { addressesOf } from './probe.ts';
import { smallWiring, withLab } from './testing.ts';

test('a router that speaks before the server has a link-local address of its own does not keep it from getting one by DHCPv6', () =>
  withLab(smallWiring(1), async (manifest) => {
    const on = (node: string, ...argv: Argv) => run(inside(manifest, node, argv), { env: labEnvironment(manifest), cwd: '/' });
    // It asks three times, a second apart, whether somebody else has its address (RFC 4862 §5.4).
    await on('s1', 'sysctl', '-qw', 'net.ipv6.conf.eth1.dad_transmits=3');
    await on('leaf-1', 'sysctl', '-qw', 'net.ipv6.conf.swp1.accept_dad=0');
    await on('leaf-1', 'ip', 'link', 'set', 'swp1', 'up');
    await on('leaf-1', 'ip', 'address', 'add', 'fd00:1::1/64', 'dev', 'swp1', 'nodad');
    await on('leaf-1', 'dnsmasq', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=swp1', '--bind-interfaces', '--enable-ra', '--leasefile-ro',
      '--pid-file=', '--ra-param=swp1,4,1800', '--dhcp-range=fd00:1::,static,64,3600', '--dhcp-host=02:00:00:00:00:01,[fd00:1::7]');
    const leased = async (): Promise<boolean> => (await addressesOf(manifest, 's1')).get('eth1')?.includes('fd00:1::7') === true;
    await until('its address', leased, 20_000);
    assert.ok(await leased());
  }));
