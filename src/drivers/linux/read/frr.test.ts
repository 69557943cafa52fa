import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseConfiguration } from '../frr/parse.ts';
import type { Runner } from '../tools/tools.ts';
import { interpretFrr, readAdvertised } from './frr.ts';
import type { FrrReading } from './frr.ts';

const underlay = 'router bgp 65001\n bgp router-id 10.255.0.11\n neighbor FAB peer-group\nexit\n';
const tenant = 'vrf vrf5001\n vni 5001\n netns /x/vrf5001\nexit-vrf\nrouter bgp 65001 vrf vrf5001\n bgp router-id 10.255.0.11\nexit\n';
const read = (text: string, places: readonly string[]): FrrReading => interpretFrr(parseConfiguration(text), new Set(places), [1, 2, 3]);
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

  it('says that a host is advertised only when zebra holds it as local and active, and with that MAC', async () => {
    const entry = (type: string, mac: string, state = 'active'): object => ({ type, mac, state });
    const hosts = { '10.1.1.11': entry('local', 'aa'), '10.1.1.12': entry('remote', 'bb'), '10.1.1.13': entry('local', 'cc', 'inactive') };
    const asked: string[] = [];
    const run: Runner = async (argv) => {
      const question = argv.at(-1) ?? '';
      asked.push(question);
      const address = / ip (\S+) /.exec(question)?.[1];
      const found = question.includes('vni 1001 ') ? (address === undefined ? { numArpNd: 3, ...hosts } : Object.entries(hosts).find(([key]) => key === address)?.[1]) : {};
      return { status: 0, stdout: found === undefined ? '' : JSON.stringify(found), stderr: '' };
    };
    const few = [['1001', '10.1.1.11', 'aa'], ['1001', '10.1.1.11', 'bb'], ['1001', '10.1.1.12', 'bb'], ['1001', '10.1.1.13', 'cc'], ['1001', '10.1.1.14', 'dd'], ['1002', '10.1.1.11', 'aa']]
      .map(([vni = '', address = '', mac = '']) => ({ vni, address, mac }));
    const site = { directory: '/d', underlay: '', user: 'frr' };
    assert.deepEqual([...(await readAdvertised(site, few, run))], few.slice(0, 1));
    assert.equal(asked.length, few.length);
    const many = [...few, ...Array.from({ length: 200 }, (_, index) => ({ vni: '1001', address: `10.1.2.${index}`, mac: 'ee' }))];
    asked.length = 0;
    assert.deepEqual([...(await readAdvertised(site, many, run))], few.slice(0, 1));
    assert.deepEqual(asked.toSorted(), ['show evpn arp-cache vni 1001 json', 'show evpn arp-cache vni 1002 ip 10.1.1.11 json']);
  });
});
