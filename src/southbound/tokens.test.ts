import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { deviceOfToken, deviceToken, loadTokenSecret } from './tokens.ts';

const secret = Buffer.alloc(32, 1);

describe('device tokens', () => {
  test('a token names its device, also one with dots in its name', () => {
    for (const device of ['leaf-1', 'leaf-1.rack-2.example']) assert.equal(deviceOfToken(secret, deviceToken(secret, device)), device);
  });

  test('no other text is a token', () => {
    const token = deviceToken(secret, 'leaf-1');
    const others = ['', '.', 'leaf-1', 'leaf-1.', token.slice(1), `${token}A`, `leaf-2${token.slice(6)}`, deviceToken(Buffer.alloc(32), 'leaf-1')];
    for (const other of others) assert.equal(deviceOfToken(secret, other), undefined, other);
    fc.assert(fc.property(fc.string(), (text) => deviceOfToken(secret, text) === undefined));
  });

  test('the secret is made once and only its owner may read it', () => {
    const directory = mkdtempSync(join(tmpdir(), 'heddle-token-'));
    try {
      const file = join(directory, 'secret');
      const made = loadTokenSecret(file);
      assert.equal(made.length, 32);
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.deepEqual(loadTokenSecret(file), made);
      writeFileSync(file, 'short');
      assert.throws(() => loadTokenSecret(file), /is damaged: remove it/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
