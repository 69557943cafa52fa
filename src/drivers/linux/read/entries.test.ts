import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Entries, itemOf } from '../entries.ts';
import { addNeighbour, addStations, neighboursIn } from './entries.ts';

const mac = '0a:00:00:00:00:07';

const read = (entries: Entries): readonly (readonly [string, string])[] => [...entries.all()].map(([key, word]) => [key, word]);

describe('forwarding entries that were read', () => {
  const stations = (entries: readonly object[], ports: readonly string[] = []): { found: readonly (readonly [string, string])[]; local: ReadonlySet<string> } => {
    const found = new Entries();
    const local = addStations(found, 'vrf5001', JSON.stringify(entries), new Set(ports));
    return { found: read(found), local };
  };

  it('are MAC addresses at ports and bonds, and nothing that the kernel or zebra learnt', () => {
    const at = { mac, ifname: 'p1', flags: [], master: 'br1001', state: 'static' };
    const { found, local } = stations([
      at,
      { ...at, ifname: 'b-p2' },
      { ...at, mac: '0a:00:00:00:00:08', ifname: 'eth9' },
      { ...at, mac: '0a:00:00:00:00:09', state: 'permanent' },
      { ...at, mac: '0a:00:00:00:00:0a', ifname: 'vx1001', flags: ['extern_learn'] },
      { ...at, mac: '0a:00:00:00:00:0b', flags: ['extern_learn'], ifname: 'b-p2' },
      { mac: '33:33:00:00:00:01', ifname: 'p1', flags: ['self'], state: 'static' },
    ], ['p1']);
    assert.deepEqual(found, [[`fdb/vrf5001/p1/${mac}`, 'port'], [`fdb/vrf5001/b-p2/${mac}`, 'bond'], ['fdb/vrf5001/b-p2/0a:00:00:00:00:0b', 'bond']]);
    assert.deepEqual([...local], [mac, '0a:00:00:00:00:0b']);
    assert.deepEqual(found.map(([key, word]) => itemOf(key, word).needs), [['port/p1'], ['link/vrf5001/b-p2'], ['link/vrf5001/b-p2']]);
  });

  it('are MAC addresses behind VTEPs, told from what zebra learnt, and half an entry is seen as such', () => {
    const at = { mac, ifname: 'vx1001', dst: '192.0.2.1', flags: ['self'], state: 'static' };
    const bridged = { mac, ifname: 'vx1001', flags: [], master: 'br1001', state: 'static' };
    const states = (...entries: readonly object[]): unknown => stations(entries).found.map(([key, word]) => itemOf(key, word).state);
    const state = { place: 'vrf5001', device: 'vx1001', mac, vtep: '192.0.2.1' };
    assert.deepEqual(states(at, bridged), [{ ...state, bridged: true }]);
    assert.deepEqual(states(bridged, { ...at, vni: 77 }), [{ ...state, bridged: true, vni: 77 }]);
    assert.deepEqual(states(at), [{ ...state, bridged: false }]);
    assert.deepEqual(states({ ...at, flags: ['extern_learn', 'self'] }, { ...at, mac: '00:00:00:00:00:00' }), []);
    assert.deepEqual([...stations([at, bridged]).local], []);
  });

  it('are permanent neighbours', () => {
    const one = { dst: '10.1.1.7', dev: 'br1001', lladdr: mac, state: ['PERMANENT'] };
    const text = JSON.stringify([one, { ...one, dst: 'fd00::7' }, { ...one, dst: '10.1.1.8', state: ['REACHABLE'] }, { dst: '10.1.1.9', dev: 'br1001', state: ['FAILED'] }]);
    const found = new Entries();
    const neighbours = [...neighboursIn(text)];
    assert.deepEqual(neighbours.map(({ address }) => address), ['10.1.1.7', 'fd00::7']);
    for (const [index, entry] of neighbours.entries()) addNeighbour(found, 'vrf5001', entry, index === 0);
    assert.deepEqual(read(found).map(([key, word]) => itemOf(key, word).state), [
      { place: 'vrf5001', device: 'br1001', address: '10.1.1.7', mac, advertised: true },
      { place: 'vrf5001', device: 'br1001', address: 'fd00::7', mac, advertised: false },
    ]);
  });
});
