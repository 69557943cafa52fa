import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Contests } from './contest.ts';

const one = { peer: '10.0.0.1:1', bootEpoch: 'one' };
const other = { peer: '10.0.0.2:2', bootEpoch: 'other' };

describe('a contested device', () => {
  test('two agents with journals of their own are found out when the first comes back', () => {
    const contests = new Contests();
    assert.equal(contests.takeover('leaf-1', one, other, 0), undefined);
    assert.deepEqual(contests.takeover('leaf-1', other, one, 100), {
      peers: [other.peer, one.peer],
      bootEpochs: ['other', 'one'],
      takeovers: 2,
    });
  });

  test('it is told once a minute, however fast the two are', () => {
    const contests = new Contests();
    let told = 0;
    for (let now = 0; now < 125_000; now += 500) {
      const pair = (now / 500) % 2 === 0 ? ([one, other] as const) : ([other, one] as const);
      if (contests.takeover('leaf-1', ...pair, now) !== undefined) told += 1;
    }
    assert.equal(told, 3);
  });

  test('a device that dials again, reboots, or was reinstalled is not contested', () => {
    const contests = new Contests();
    const booted = { peer: one.peer, bootEpoch: 'two' };
    for (const [now, former, latter] of [[0, one, one], [70_000, one, booted], [140_000, booted, booted], [150_000, booted, booted]] as const) {
      assert.equal(contests.takeover('leaf-1', former, latter, now), undefined);
    }
  });

  test('two agents with a copied disk are found out by how often they push each other out', () => {
    const contests = new Contests();
    const copy = { ...one, peer: other.peer };
    const told = [0, 1, 2, 3].map((now) => contests.takeover('leaf-1', one, copy, now) !== undefined);
    assert.deepEqual(told, [false, false, false, true]);
  });

  test('what is long over is forgotten', () => {
    const contests = new Contests();
    contests.takeover('leaf-1', one, other, 0);
    contests.tidy(100_000);
    assert.equal(contests.takeover('leaf-1', other, one, 100_001), undefined);
  });
});
