/** Names that a row carries as text must not become commands of dnsmasq, FRR or ip, even when validation let them pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Row } from '../../../goal/rows.ts';
import { merge } from '../../../goal/tables.ts';
import { attachment, host, segment, underlay, vrf } from '../fixture/goals.ts';
import { batchLine } from '../batch.ts';
import type { LinuxActual } from '../model.ts';
import { render } from './render.ts';

const site = { directory: '/run/switch', underlay: '/proc/1/ns/net', user: 'frr' };
const hostile = ['a\nb', 'a\r\nno router bgp 1', 'a,ignore', 'a;b', '!', '-rf', '"', '#x', 'x'.repeat(10_000)];

const rowsWith = (text: string): readonly Row[] => [
  ...underlay({ hostname: 'l', asn: 65001, routerId: '10.255.0.11', fabricPorts: ['up1'], serverPorts: ['p1'], leaf: true }),
  { ...vrf(5001), value: { ...vrf(5001).value, description: text } } as Row,
  { ...segment(1001, 5001, '10.1.1.1/24', true), value: { ...segment(1001, 5001, '10.1.1.1/24', true).value, description: text } } as Row,
  attachment('p1', 1001),
  { ...host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:01'), value: { ...host('p1', 1001, '10.1.1.11', '0a:00:00:00:00:01').value, hostname: text } } as Row,
];

const rendered = (text: string) => {
  const free = ['p1', 'up1'].map((name) => [name, { interface: name, place: '', master: '', up: false, mtu: 1500, marked: false }] as const);
  const actual: LinuxActual = { items: new Map(), unclaimed: new Map(free), capabilities: new Set() };
  return [...render(merge([rowsWith(text)]), actual, site).items.values()];
};

describe('hostile text in rows', () => {
  for (const text of hostile) {
    it(`stays one word of one line: ${JSON.stringify(text.slice(0, 20))}`, () => {
      const items = rendered(text);
      const reservations = items.flatMap((item) => (item.kind === 'dhcp' ? [item.state.hosts] : []));
      assert.equal(reservations.length, 1);
      assert.match(reservations[0] ?? '', /^0a:00:00:00:00:01,10\.1\.1\.11,[\w.-]+\n$/);
      const plain = (found: typeof items) => JSON.stringify(found.filter(({ kind }) => kind !== 'dhcp').map(({ state }) => state));
      assert.equal(plain(items), plain(rendered('server')), 'descriptions and host names reach nothing but the reservation');
    });
  }

  it('is refused in a batch when it could end its line', () => {
    for (const text of ['a\nb', 'a\rb', 'a"b', 'a\\b']) assert.throws(() => batchLine(['ip', 'link', text]), /cannot be part of a command/);
  });
});
