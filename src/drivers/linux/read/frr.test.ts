import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfiguration } from '../frr/parse.ts';
import { interpretFrr } from './frr.ts';
import type { FrrReading } from './frr.ts';

const underlay = 'router bgp 65001\n bgp router-id 10.255.0.11\n neighbor FAB peer-group\nexit\n';
const tenant = 'vrf vrf5001\n vni 5001\n netns /x/vrf5001\nexit-vrf\nrouter bgp 65001 vrf vrf5001\n bgp router-id 10.255.0.11\nexit\n';
const read = (text: string, places: readonly string[], cache = {}): FrrReading =>
  interpretFrr(parseConfiguration(text), cache, new Set(places), [1, 2, 3]);
const keysOf = ({ items }: FrrReading): readonly string[] => items.map(({ key }) => key);

describe('what is read of FRR', () => {
  it('is the contexts that Heddle renders and no others', () => {
    const operator = 'route-map OPERATOR permit 10\nexit\nvrf mgmt\n ip route 0.0.0.0/0 192.0.2.1\nexit-vrf\nbfd\n profile OTHER\n exit\nexit\n';
    assert.deepEqual(keysOf(read(underlay + tenant + operator, ['vrf5001'])),
      ['daemon/frr', 'known/vrf5001', 'frr/router bgp 65001', 'frr/vrf vrf5001', 'frr/router bgp 65001 vrf vrf5001']);
  });

  it('keeps a BGP instance that carries no mark of Heddle out of removal', () => {
    const { items } = read('router bgp 64999\n neighbor 192.0.2.1 remote-as 64998\nexit\n', []);
    assert.deepEqual(items.map(({ key, foreign }) => [key, foreign]), [['daemon/frr', undefined], ['frr/router bgp 64999', true]]);
  });

  it('counts as not running when a VRF lost its namespace, since only a restart mends that', () => {
    const { items } = read(underlay + tenant, []);
    assert.deepEqual(items.map(({ state }) => state), [{ hostname: '', running: false, pids: [1, 2, 3] }]);
  });

  it('says that a host is advertised only when zebra holds it as local and with that MAC', () => {
    const cache = { 1001: { numArpNd: 2, '10.1.1.11': { type: 'local', mac: 'aa' }, '10.1.1.12': { type: 'remote', mac: 'bb' } } };
    const { advertised } = read(underlay, [], cache);
    assert.deepEqual(
      [advertised('1001', '10.1.1.11', 'aa'), advertised('1001', '10.1.1.11', 'bb'), advertised('1001', '10.1.1.12', 'bb'), advertised('1002', '10.1.1.11', 'aa')],
      [true, false, false, false],
    );
  });
});
