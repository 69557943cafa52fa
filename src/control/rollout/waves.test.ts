import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { wavesOf, type Member } from './waves.ts';

const leaf = (number: number, more: Partial<Member> = {}): Member => ({ name: `leaf-${number}`, labels: {}, ...more });

describe('waves of a rollout', () => {
  test('the canaries are those that the selector selects; without one, the first by name', () => {
    const devices = [leaf(3), leaf(2, { labels: { tier: 'canary' } }), leaf(1)];
    assert.deepEqual(wavesOf(devices, { canary: { matchLabels: { tier: 'canary' } }, wavePercent: 100 }), [['leaf-2'], ['leaf-1', 'leaf-3']]);
    assert.deepEqual(wavesOf(devices, { wavePercent: 100 }), [['leaf-1'], ['leaf-2', 'leaf-3']]);
  });

  test('a selector that meets none of the devices still leaves one to try the change', () => {
    assert.deepEqual(wavesOf([leaf(1), leaf(2)], { canary: { names: ['spine-1'] }, wavePercent: 50 }), [['leaf-1'], ['leaf-2']]);
  });

  test('members of one group are in different waves as far as there are waves', () => {
    const devices = [leaf(0), leaf(1, { group: 'a' }), leaf(2, { group: 'a' }), leaf(3, { group: 'b' }), leaf(4, { group: 'b' })];
    assert.deepEqual(wavesOf(devices, { wavePercent: 40 }), [['leaf-0'], ['leaf-1', 'leaf-3'], ['leaf-2', 'leaf-4']]);
  });

  test('every device is in exactly one wave, and no later wave has more than its share', () => {
    const device = fc.record({ name: fc.stringMatching(/^[a-z]{1,4}$/), canary: fc.boolean(), group: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }) });
    fc.assert(
      fc.property(fc.uniqueArray(device, { selector: ({ name }) => name, maxLength: 30 }), fc.integer({ min: 1, max: 100 }), (found, wavePercent) => {
        const devices = found.map(({ name, canary, group }) => ({ name, group, labels: canary ? { canary: 'yes' } : {} }));
        const waves = wavesOf(devices, { canary: { matchLabels: { canary: 'yes' } }, wavePercent });
        assert.deepEqual(waves.flat().toSorted(), devices.map(({ name }) => name).toSorted());
        const most = Math.max(1, Math.ceil((devices.length * wavePercent) / 100));
        assert.ok(waves.slice(1).every(({ length }) => length > 0 && length <= most));
      }),
    );
  });
});
