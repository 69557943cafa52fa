/** Label selectors as kubectl and client libraries write them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failsWith } from '../testing.ts';
import { parseLabelSelector } from './selector.ts';

const picked = (selector: string): string[] => {
  const selects = parseLabelSelector(selector);
  const objects = { front: { tier: 'web', rank: '7' }, back: { tier: 'db', rank: '12', 'x.io/y': '' }, bare: {} };
  return Object.entries(objects).flatMap(([name, labels]) => (selects(labels) ? [name] : []));
};

describe('a label selector', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', ['front', 'back', 'bare']],
    ['tier=web', ['front']],
    ['tier == web', ['front']],
    ['tier!=web', ['back', 'bare']],
    ['tier in (web, db)', ['front', 'back']],
    ['tier notin (web)', ['back', 'bare']],
    ['tier', ['front', 'back']],
    ['! tier', ['bare']],
    ['x.io/y=', ['back']],
    ['rank>7', ['back']],
    ['rank > 6,rank < 12', ['front']],
    ['tier>1', []],
    ['tier in (web,db),rank>7', ['back']],
  ];
  for (const [selector, names] of cases) it(`"${selector}" selects ${names.join(', ') || 'nothing'}`, () => assert.deepEqual(picked(selector), names));

  for (const wrong of ['tier=web,', ',', 'tier=a=b', '=web', 'tier in (web', 'tier in web', 'a/b/c=1', '/b=1', 'tier=-web', `tier=${'x'.repeat(64)}`, `${'x'.repeat(64)}=1`, 'rank>x', 'tier in (-a)', 'UPPER.io/x']) {
    it(`"${wrong.slice(0, 20)}" is refused`, () => void assert.throws(() => parseLabelSelector(wrong), failsWith('BadRequest')));
  }
});
