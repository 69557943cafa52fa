import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programsIn } from './agents.ts';
import { setUpRouters } from './routers.ts';
import { object, smallWiring, withLab } from './testing.ts';

const external = (asn: number) =>
  object('External', 'internet', {
    bgp: {},
    attachments: [{ connection: 'internet', address: '192.0.2.1/31', neighbor: { address: '192.0.2.0', asn } }],
  });
const cable = object('Connection', 'internet', { links: [{ ends: ['leaf-1/E1/9', 'internet/p1'] }] });

test('a router outside that becomes another one leaves nothing of the former running, even if that does not end when asked', () =>
  withLab([...smallWiring(1), external(65010), cable], async (manifest) => {
    const bgpd = () => programsIn(manifest, 'internet').filter(({ command }) => command === 'bgpd');
    await setUpRouters(manifest, [external(65010)]);
    const [former, ...others] = bgpd();
    assert.ok(former !== undefined && others.length === 0);
    process.kill(former.pid, 'SIGSTOP');
    await setUpRouters(manifest, [external(65011)]);
    const now = bgpd();
    assert.equal(now.length, 1);
    assert.notEqual(now[0]?.pid, former.pid);
  }));
