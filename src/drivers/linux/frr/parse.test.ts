import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lineCommands, removalCommands } from './change.ts';
import { parseConfiguration } from './parse.ts';

const text = `Building configuration...

Current configuration:
!
frr version 8.4.4
frr defaults datacenter
hostname leaf1
ip prefix-list OPERATOR seq 5 permit any
!
vrf vrf5001
 vni 5001
 netns /run/x/netns/vrf5001
exit-vrf
!
router bgp 65001
 bgp router-id 10.255.0.11
 neighbor FAB peer-group
 !
 address-family ipv4 unicast
  network 10.255.0.11/32
 exit-address-family
 !
 address-family l2vpn evpn
  advertise-all-vni
 exit-address-family
exit
!
bfd
 profile FAB
 exit
 !
 profile OTHER
  transmit-interval 100
 exit
 !
exit
!
end
`;

describe('FRR configuration', () => {
  it('reads as contexts, whose names are the way to them', () => {
    assert.deepEqual(parseConfiguration(text).map(({ path, lines }) => [path.join(' / '), lines]), [
      ['', ['frr version 8.4.4', 'frr defaults datacenter', 'hostname leaf1']],
      ['ip prefix-list OPERATOR', ['seq 5 permit any']],
      ['vrf vrf5001', ['vni 5001', 'netns /run/x/netns/vrf5001']],
      ['router bgp 65001', ['bgp router-id 10.255.0.11', 'neighbor FAB peer-group']],
      ['router bgp 65001 / address-family ipv4 unicast', ['network 10.255.0.11/32']],
      ['router bgp 65001 / address-family l2vpn evpn', ['advertise-all-vni']],
      ['bfd', []],
      ['bfd / profile FAB', []],
      ['bfd / profile OTHER', ['transmit-interval 100']],
    ]);
  });

  it('changes by single lines: surplus ones leave in reverse order, missing ones come in order', () => {
    assert.deepEqual(lineCommands(['a', 'b', 'c', 'no d'], ['a', 'e', 'f']), ['d', 'no c', 'no b', 'e', 'f']);
    assert.deepEqual(lineCommands(['a', 'b'], ['b', 'a']), []);
    assert.deepEqual(lineCommands(['transmit-interval 100'], []), ['transmit-interval 300']);
  });

  it('loses a context whole, but a VRF only its VNI, since the VRF goes with its namespace', () => {
    assert.deepEqual(removalCommands({ path: ['router bgp 65001 vrf vrf5001'], lines: ['x'] }), ['no router bgp 65001 vrf vrf5001']);
    assert.deepEqual(removalCommands({ path: ['bfd', 'profile FAB'], lines: [] }), ['bfd', 'no profile FAB']);
    assert.deepEqual(removalCommands({ path: ['vrf vrf5001'], lines: ['vni 5001'] }), ['vrf vrf5001', 'no vni 5001']);
  });
});
