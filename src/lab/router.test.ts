import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiVersion, type Resource } from '../api/object.ts';
import { routerOf } from './router.ts';
import type { Cable } from './topology.ts';

const external = (spec: object, annotations: Record<string, string> = {}): Resource => ({ apiVersion, kind: 'External', metadata: { name: 'internet', annotations }, spec });
const cable = (connection: string, port: string): Cable => ({
  connection,
  ends: [{ node: 'internet', port, interface: port }, { node: 'border-1', port: 'E1/1', interface: 'swp1' }],
});
const cables = [cable('one', 'p1'), cable('two', 'p2')];

describe('the router of an External in the lab', () => {
  it('has the other end of every attachment, and the addresses that answer', () => {
    const { links, tagged } = routerOf(external({
      static: { prefixes: ['203.0.113.0/24'] },
      attachments: [
        { connection: 'one', address: '192.0.2.1/31', nextHop: '192.0.2.0' },
        { connection: 'two', vlan: 7, address: '192.0.2.3/31', nextHop: '192.0.2.2' },
        { connection: 'elsewhere', address: '192.0.2.5/31', nextHop: '192.0.2.4' },
      ],
    }), cables);
    assert.deepEqual(links.slice(-6), [
      'address replace 203.0.113.1/32 dev lo',
      'link set dev p1 up', 'address replace 192.0.2.0/31 dev p1',
      'link set dev p2.7 up', 'address replace 192.0.2.2/31 dev p2.7',
      'route replace 0.0.0.0/0 nexthop via 192.0.2.1 dev p1 nexthop via 192.0.2.3 dev p2.7',
    ]);
    assert.deepEqual(tagged, [{ trunk: 'p2', vlan: 7 }]);
  });

  it('speaks BGP with every leaf as the AS that the leaf expects, and announces what it is told to', () => {
    const { bgp, links } = routerOf(
      external(
        {
          bgp: {},
          attachments: [
            { connection: 'one', address: '192.0.2.1/31', neighbor: { address: '192.0.2.0', asn: 65010 } },
            { connection: 'two', address: '2001:db8::1/127', neighbor: { address: '2001:db8::', asn: 65011 } },
          ],
        },
        { 'lab.heddle.dev/announces': '0.0.0.0/0 2001:db8:f::/48', 'lab.heddle.dev/addresses': '203.0.113.9', 'lab.heddle.dev/communities': '65010:7' },
      ),
      cables,
    );
    assert.ok(links.includes('address replace 203.0.113.9/32 dev lo') && links.every((line) => !line.startsWith('route')));
    assert.equal(bgp, `route-map TAGGED permit 10
 set community 65010:7
exit
router bgp 65010
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 192.0.2.1 remote-as external
 neighbor 192.0.2.1 timers connect 1
 neighbor 2001:db8::1 remote-as external
 neighbor 2001:db8::1 timers connect 1
 neighbor 2001:db8::1 local-as 65011 no-prepend replace-as
 address-family ipv4 unicast
  no neighbor 2001:db8::1 activate
  network 0.0.0.0/0
  neighbor 192.0.2.1 activate
  neighbor 192.0.2.1 route-map TAGGED out
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:f::/48
  neighbor 2001:db8::1 activate
  neighbor 2001:db8::1 route-map TAGGED out
 exit-address-family
`);
  });
});
