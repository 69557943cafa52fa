import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Prefix } from './brand.ts';
import { exclude } from './exclude.ts';
import { prefixSize } from './prefix.ts';

const p = (text: string) => text as Prefix;

describe('a prefix without some inside it', () => {
  it('is the halves that have none of them', () => {
    assert.deepEqual(exclude(p('10.0.0.0/8'), [p('10.0.0.0/10')]), ['10.64.0.0/10', '10.128.0.0/9']);
    assert.deepEqual(exclude(p('10.0.0.0/30'), [p('10.0.0.1/32'), p('10.0.0.2/32')]), ['10.0.0.0/32', '10.0.0.3/32']);
    assert.deepEqual(exclude(p('fd00::/127'), [p('fd00::1/128')]), ['fd00::/128']);
  });

  it('is itself where nothing is excluded, and nothing where all is', () => {
    assert.deepEqual(exclude(p('10.0.0.0/8'), [p('11.0.0.0/8'), p('::/0')]), ['10.0.0.0/8']);
    assert.deepEqual(exclude(p('10.0.0.0/8'), [p('10.0.0.0/9'), p('10.128.0.0/9')]), []);
  });

  it('has as many addresses as are left', () => {
    const left = exclude(p('0.0.0.0/0'), [p('10.1.2.3/32')]);
    assert.equal(left.reduce((sum, each) => sum + prefixSize(each), 0n), (1n << 32n) - 1n);
    assert.equal(left.length, 32);
  });
});
