import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { builtinProfiles } from './profiles.ts';
import { type PortCatalogue, type PortSettings, breakoutOf, laneOf, portAt, withoutFirstLane } from './ports.ts';
import { type Limits, checkSettings } from './portsettings.ts';

const catalogue: PortCatalogue & Limits = {
  portTypes: {
    small: { speeds: ['25G', '10G'], fec: ['auto', 'rs'] },
    large: { speeds: ['100G', '40G'], breakouts: ['4x25G', '2x50G'], fec: ['rs', 'none'] },
  },
  ports: {
    'E1/1': { interface: 'swp1', type: 'small', group: 'a' },
    'E1/2': { interface: 'swp2', type: 'small', group: 'a', speed: '25G' },
    'E1/3': { interface: 'Ethernet8', type: 'large', lanes: ['Ethernet8', 'Ethernet9', 'Ethernet10', 'Ethernet11'], pipeline: 'p' },
    'E1/4': { interface: 'swp4', type: 'large', pipeline: 'p' },
    'E1/5': { interface: 'swp5' },
  },
  maxPorts: 9,
  pipelines: { p: { maxPorts: 6 } },
};

const at = (settings: PortSettings, port: string): string => {
  const found = portAt(catalogue, checkSettings('box', catalogue, settings).settings, port);
  return 'reason' in found ? found.reason : [found.port, found.interface, found.speed ?? '-', found.fec ?? '-'].join(' ');
};

const faults = (settings: PortSettings): string[] =>
  checkSettings('box', catalogue, settings).faults.map(({ port, member, code }) => [port, member, code].filter((word) => word !== undefined).join(' '));

describe('ports of a switch', () => {
  const cases: readonly (readonly [sentence: string, settings: PortSettings, port: string, expected: string])[] = [
    ['a port does what comes first in its type', {}, 'E1/1', 'E1/1 swp1 25G auto'],
    ['what the switch says goes first', { 'E1/3': { speed: '40G', fec: 'none' } }, 'E1/3', 'E1/3 Ethernet8 40G none'],
    ['of a port without a type nothing is said', {}, 'E1/5', 'E1/5 swp5 - -'],
    ['a port that can be broken out is its own first lane', {}, 'E1/4/1', 'E1/4 swp4 100G rs'],
    ['one that cannot has no lanes', {}, 'E1/1/1', 'unknown'],
    ['a port that is whole has one lane', {}, 'E1/4/2', 'whole'],
    ['a port that is broken out is its lanes', { 'E1/4': { breakout: '4x25G' } }, 'E1/4/4', 'E1/4/4 swp4s3 25G rs'],
    ['and its own name is that of the first', { 'E1/4': { breakout: '4x25G' } }, 'E1/4', 'E1/4/1 swp4s0 25G rs'],
    ['more lanes than the mode has there are none', { 'E1/4': { breakout: '2x50G' } }, 'E1/4/3', 'lanes'],
    ['coarser modes take every other name', { 'E1/3': { breakout: '2x50G' } }, 'E1/3/2', 'E1/3/2 Ethernet10 50G rs'],
    ['FEC of a lane goes before that of the port', { 'E1/4': { breakout: '2x50G', fec: 'none' }, 'E1/4/2': { fec: 'rs' } }, 'E1/4/2', 'E1/4/2 swp4s1 50G rs'],
    ['a faulty setting leaves the port as its profile has it', { 'E1/4': { breakout: '8x10G' } }, 'E1/4', 'E1/4 swp4 100G rs'],
    ['without an override the default is back', {}, 'E1/3', 'E1/3 Ethernet8 100G rs'],
  ];
  for (const [sentence, settings, port, expected] of cases) test(sentence, () => assert.equal(at(settings, port), expected));
});

describe('what a switch says of its ports', () => {
  const cases: readonly (readonly [sentence: string, settings: PortSettings, expected: readonly string[]])[] = [
    ['is fine when the profile offers it', { 'E1/3': { breakout: '4x25G' }, 'E1/4': { speed: '40G', fec: 'none' } }, []],
    ['must be about a port that there is', { 'E2/1': { speed: '25G' }, 'E2/1/1': {} }, ['E2/1 UnknownPort', 'E2/1/1 UnknownPort']],
    ['must be something that the port can do', { 'E1/1': { breakout: '4x25G', fec: 'none' }, 'E1/4': { speed: '25G' } }, ['E1/1 breakout UnsupportedBreakout', 'E1/1 fec UnsupportedFEC', 'E1/4 speed UnsupportedSpeed']],
    ['must be nothing for a port of which nothing can be set', { 'E1/5': { speed: '25G', fec: 'rs' } }, ['E1/5 speed UnsupportedSpeed', 'E1/5 fec UnsupportedFEC']],
    ['may name lanes of a port that is broken out', { 'E1/4': { breakout: '2x50G' }, 'E1/4/2': { fec: 'none' }, 'E1/4/3': { fec: 'none' } }, ['E1/4/3 UnknownPort']],
    ['must be one speed for a group', { 'E1/1': { speed: '10G' } }, ['E1/1 speed SpeedOfGroup']],
    ['is fine when a group agrees', { 'E1/1': { speed: '10G' }, 'E1/2': { speed: '10G' } }, []],
    ['must not make more ports than a pipeline or the switch has', { 'E1/4': { breakout: '4x25G' }, 'E1/3': { breakout: '4x25G' } }, ['E1/4 breakout TooManyPorts', 'E1/4 breakout TooManyPorts']],
    ['may fill a pipeline', { 'E1/4': { breakout: '2x50G' }, 'E1/3': { breakout: '4x25G' } }, []],
  ];
  for (const [sentence, settings, expected] of cases) test(sentence, () => assert.deepEqual(faults(settings), expected));

  test('makes, on every model and however it is, ports with interfaces of their own', () => {
    const setting = (modes: readonly string[]): fc.Arbitrary<PortSettings[string]> => fc.record({ breakout: fc.constantFrom(...modes) });
    for (const { spec } of builtinProfiles) {
      assert.ok(spec);
      const breakable = Object.entries(spec.ports).flatMap(([port, { type }]) => {
        const modes = spec.portTypes?.[type ?? '']?.breakouts;
        return modes === undefined ? [] : [{ port, modes }];
      });
      const choice = fc.record(Object.fromEntries(breakable.map(({ port, modes }) => [port, setting(modes)])), { requiredKeys: [] });
      fc.assert(
        fc.property(choice, (wanted) => {
          const { settings } = checkSettings('model', spec, wanted as PortSettings);
          const names = Object.keys(spec.ports).flatMap((port) => {
            const lanes = breakoutOf(settings[port]?.breakout ?? '')?.lanes;
            return lanes === undefined ? [port] : Array.from({ length: lanes }, (_, lane) => `${port}/${lane + 1}`);
          });
          const found = names.map((name) => portAt(spec, settings, name));
          assert.equal(found.filter((port) => 'reason' in port).length, 0);
          assert.equal(new Set(found.map((port) => ('reason' in port ? '' : port.interface))).size, names.length);
          assert.deepEqual(found.map((port) => ('reason' in port ? '' : port.port)), names);
          assert.ok(names.length <= (spec.maxPorts ?? names.length));
        }),
        { numRuns: 30 },
      );
    }
  });
});

describe('names of lanes', () => {
  test('are the port with a number behind', () => {
    assert.deepEqual(laneOf('E1/5/2'), { base: 'E1/5', lane: 2 });
    for (const other of ['E1/5', 'E1/5/0', 'eth1/5/2', 'E1/5/2/1']) assert.equal(laneOf(other), undefined);
  });

  test('of lane 1 are the same as the port, alone and behind a device', () => {
    assert.deepEqual(['E1/5/1', 'leaf-1/E1/5/1', 'leaf-1/E1/5', 'leaf-1/E1/1', 'leaf-1/E1/5/11', 'web/eth1/1'].map(withoutFirstLane), ['E1/5', 'leaf-1/E1/5', 'leaf-1/E1/5', 'leaf-1/E1/1', 'leaf-1/E1/5/11', 'web/eth1/1']);
  });

  test('breakouts are written as lanes times speed', () => {
    assert.deepEqual(breakoutOf('4x25G'), { lanes: 4, speed: '25G' });
    for (const other of ['4x', 'x25G', '0x25G', '17x10G', '4x25', '4X25G']) assert.equal(breakoutOf(other), undefined);
  });
});
