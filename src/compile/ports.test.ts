/** What a switch says of its ports becomes rows, and every cable is judged anew when that changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { refOf, type Resource } from '../api/object.ts';
import type { Compiler } from './engine.ts';
import * as make from './fixture.ts';

const box = make.object('SwitchProfile', 'box', {
  portTypes: {
    small: { speeds: ['25G', '10G'], fec: ['auto', 'rs'] },
    large: { speeds: ['100G', '40G'], breakouts: ['4x25G', '2x50G'], fec: ['rs', 'none'] },
  },
  ports: { 'E1/1': { interface: 'swp1', type: 'small' }, 'E1/49': { interface: 'swp49', type: 'large' }, 'E1/50': { interface: 'swp50', type: 'large' } },
});
const leaf = (ports: object, spec: object = {}): Resource => make.switchOf('leaf-1', 'leaf', { profile: 'box', ports, ...spec });
const cable = make.connection('a1--leaf-1', [['a1/eth1', 'leaf-1/E1/50/2']]);

const portsOf = (compiler: Compiler): Record<string, string> =>
  Object.fromEntries(
    compiler.rows('device/leaf-1').flatMap((row) => (row.table === 'port' ? [[row.key, `${row.value.interface} ${row.value.speed ?? '-'} ${row.value.fec ?? '-'}`]] : [])),
  );

const change = (compiler: Compiler, object: Resource): void => void compiler.apply([make.put(object)]);
const codes = (compiler: Compiler, object: Resource): string[] => compiler.findingsOf(refOf(object)).map(({ code, path }) => `${code} ${path}`);

describe('ports of a switch in its rows', () => {
  const start = (ports: object, ...more: Resource[]): Compiler =>
    make.compiled(box, leaf(ports), make.connection('b1--leaf-1', [['b1/eth1', 'leaf-1/E1/1']]), cable, ...more).compiler;

  test('are as they are set, each lane on its own, and a removed override is the default again', () => {
    const compiler = start({ 'E1/1': { speed: '10G', fec: 'rs' }, 'E1/50': { breakout: '2x50G' }, 'E1/50/2': { fec: 'none' } });
    assert.deepEqual(portsOf(compiler), { 'E1/1': 'swp1 10G rs', 'E1/49': 'swp49 100G rs', 'E1/50/2': 'swp50s1 50G none' });
    change(compiler, leaf({ 'E1/50': { breakout: '2x50G' } }));
    assert.deepEqual(portsOf(compiler), { 'E1/1': 'swp1 25G auto', 'E1/49': 'swp49 100G rs', 'E1/50/2': 'swp50s1 50G rs' });
  });

  test('are not there any more when the switch is another one, and every cable says so at once (C-3)', () => {
    const compiler = start({ 'E1/50': { breakout: '4x25G' } });
    assert.deepEqual(codes(compiler, cable), []);
    change(compiler, leaf({}));
    assert.deepEqual(codes(compiler, cable), ['UnknownPort spec.links[0].ends[1]']);
    assert.equal(portsOf(compiler)['E1/50/2'], undefined);
    change(compiler, leaf({ 'E1/50': { breakout: '4x25G' } }, { profile: 'linux-soft' }));
    assert.deepEqual(codes(compiler, cable), ['UnknownPort spec.links[0].ends[1]']);
    change(compiler, make.switchOf('leaf-1', 'spine', { profile: 'box', ports: { 'E1/50': { breakout: '4x25G' } } }));
    assert.deepEqual(codes(compiler, cable), ['UnsupportedConnection spec.links[0]']);
    change(compiler, leaf({ 'E1/50': { breakout: '4x25G' } }));
    assert.deepEqual(codes(compiler, cable), []);
  });

  test('take an attachment with them when they go (C-3)', () => {
    const attachment = make.attachment('a1', { vpc: 'shop', subnet: 'front', connection: 'a1--leaf-1' });
    const compiler = start({ 'E1/50': { breakout: '4x25G' } }, make.vpc('shop', { front: '10.1.1.0/24' }), attachment);
    assert.deepEqual(codes(compiler, attachment), []);
    change(compiler, leaf({}));
    assert.deepEqual(codes(compiler, attachment), ['ConnectionNotAccepted spec.connection']);
    assert.deepEqual(compiler.rows('device/leaf-1').filter(({ table }) => table === 'attachment'), []);
  });

  test('with a fault are as their profile has them, and the switch stays in service', () => {
    const compiler = start({ 'E1/1': { speed: '40G' }, 'E1/50': { breakout: '4x25G' } });
    assert.deepEqual(codes(compiler, leaf({})), ['UnsupportedSpeed spec.ports["E1/1"].speed']);
    assert.equal(portsOf(compiler)['E1/1'], 'swp1 25G auto');
    assert.ok(compiler.rows('device/leaf-1').some(({ table }) => table === 'bgp'));
  });

  test('cost the cables of that switch when they change, and no more', () => {
    const compiler = start({ 'E1/50': { breakout: '4x25G' } });
    const before = compiler.counters();
    change(compiler, leaf({ 'E1/50': { breakout: '4x25G' }, 'E1/1': { fec: 'rs' } }));
    const { translators, fullRecomputes } = compiler.counters();
    assert.ok(translators - before.translators <= 4, `${translators - before.translators} translators`);
    assert.equal(fullRecomputes, 0);
  });
});
