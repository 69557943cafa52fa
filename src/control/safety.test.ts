import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fabricDefaults } from '../api/kinds/fabric.ts';
import { deviceLimit, judge, rowLimit, type Loss, type SafetyLimits, type Situation } from './safety.ts';

const standard: SafetyLimits = fabricDefaults.safety;
const loses = (rows: number, of: number, more: Partial<Loss> = {}): Loss => ({ device: 'leaf-1', rows, of, emptied: false, isolated: false, ...more });
const many = (count: number, loss: Loss): Loss[] => Array.from({ length: count }, (_, number) => ({ ...loss, device: `leaf-${number + 1}` }));
const verdict = (losses: readonly Loss[], situation: Partial<Situation> = {}): string => {
  const held = judge(losses, { limits: standard, devices: () => 100, hit: new Set(), ...situation });
  return [...Map.groupBy(held.values(), (reason) => reason)].map(([reason, of]) => `${reason} ${of.length}`).join(', ');
};

test('the table of what is held', () => {
  const generous = { ...standard, maxDeletedPercent: 100, maxDevicesPercent: 100 };
  const rows: [string, string, string][] = [
    ['more than half of a device', verdict([loses(101, 200)]), 'TooManyRows 1'],
    ['half of it', verdict([loses(100, 200)]), ''],
    ['nearly everything of a small device: it is one tenant that leaves', verdict([loses(50, 54)]), ''],
    ['one row more than that', verdict([loses(51, 54)]), 'TooManyRows 1'],
    ['everything, where 100 % are permitted', verdict([loses(200, 200)], { limits: generous }), ''],
    ['the last row, where 100 % are permitted', verdict([loses(200, 200, { emptied: true })], { limits: generous }), 'EmptyGoal 1'],
    ['the last of few rows', verdict([loses(3, 3, { emptied: true })]), 'EmptyGoal 1'],
    ['a Switch that was deleted', verdict([loses(200, 200, { isolated: true, emptied: true })]), ''],
    ['25 of 100 Switches that were deleted', verdict(many(25, loses(0, 200, { isolated: true }))), ''],
    ['26 of 100 Switches that were deleted', verdict(many(26, loses(0, 200, { isolated: true }))), 'TooManyDevices 26'],
    ['a tenth of each of 26 devices', verdict(many(26, loses(20, 200))), 'TooManyDevices 26'],
    ['a tenth of each of 26 devices, but few rows', verdict(many(26, loses(9, 60))), ''],
    ['a little of every device', verdict(many(100, loses(19, 200))), ''],
    ['a tenth of every device, where that is permitted', verdict(many(100, loses(20, 200)), { limits: generous }), ''],
    ['a tenth of all of ten devices', verdict(many(10, loses(20, 200)), { devices: () => 10 }), ''],
    ['one device after 25 others', verdict([loses(20, 200)], { hit: new Set(many(25, loses(0, 0)).map(({ device }) => `other-${device}`)) }), 'TooManyDevices 1'],
    ['a device that was hit before, after 25 others', verdict([loses(20, 200)], { hit: new Set(many(30, loses(0, 0)).map(({ device }) => device)) }), ''],
    ['most of one of 27 devices, and a tenth of the others', verdict([loses(150, 200, { device: 'leaf-0' }), ...many(26, loses(20, 200))]), 'TooManyRows 1, TooManyDevices 26'],
  ];
  for (const [what, held, wanted] of rows) assert.equal(held, wanted, what);
});

test('limits are shares with a floor', () => {
  assert.equal(rowLimit(99, standard), 50);
  assert.equal(rowLimit(1001, standard), 500);
  assert.equal(deviceLimit(12, standard), 10);
  assert.equal(deviceLimit(4200, standard), 1050);
});
