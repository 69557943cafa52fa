import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Batches } from './batches.ts';

/** Behaves as `ip -force -batch -`: silent, or complaining about a line and going on, or dying of it without naming it. */
const tool = `
let number = 0;
process.stdin.setEncoding('utf8');
let rest = '';
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) {
    number += 1;
    const [word, name] = line.split(' ');
    if (word === 'die') { require('node:fs').writeSync(2, 'invalid ' + name + '\\n'); process.exit(255); }
    if (word === 'once') { try { require('node:fs').writeFileSync(name, '', { flag: 'wx' }); continue; } catch {} }
    if (word !== 'good') require('node:fs').writeSync(2, 'cannot do ' + line + '\\nCommand failed -:' + number + '\\n');
  }
});
`;

describe('a tool that takes commands line by line', () => {
  const directory = mkdtempSync(join(tmpdir(), 'heddle-batches-'));
  const script = join(directory, 'tool.cjs');
  let started: string[];
  let batches: Batches;
  const prefix = [process.execPath, script] as const;
  before(() => writeFileSync(script, tool));
  beforeEach(async () => {
    await batches?.end();
    started = [];
    batches = new Batches(process.env, (name) => started.push(name));
  });
  after(async () => {
    await batches.end();
    rmSync(directory, { recursive: true });
  });

  it('says of each line what became of it, batch after batch, in one process', async () => {
    assert.deepEqual(await batches.run(prefix, ['good a', 'bad b', 'good c', 'bad d']), [undefined, 'cannot do bad b', undefined, 'cannot do bad d']);
    assert.deepEqual(await batches.run(prefix, ['bad e']), ['cannot do bad e']);
    assert.deepEqual(await batches.run(prefix, []), []);
    assert.equal(started.length, 1);
  });

  it('takes as many lines as there are', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => (index % 5000 === 4999 ? `bad ${index}` : 'good x'));
    const verdicts = await batches.run(prefix, lines);
    assert.equal(verdicts.length, 20_000);
    assert.deepEqual(verdicts.flatMap((said, index) => (said === undefined ? [] : [index])), [4999, 9999, 14_999, 19_999]);
    assert.equal(started.length, 1);
  });

  it('runs no line twice when it dies', async () => {
    const once = (name: string): string => `once ${join(directory, name)}`;
    const lines = [once('a'), 'good b', once('c'), 'die d', once('e'), once('a')];
    const expected = [undefined, undefined, undefined, 'invalid d', undefined, `cannot do ${once('a')}`];
    assert.deepEqual(await batches.run(prefix, lines), expected);
  });

  it('names the line that kills it, runs all others, and starts one process more for it', async () => {
    const verdicts = await batches.run(prefix, ['good a', 'bad b', 'die c', 'good d', 'bad e']);
    assert.deepEqual(verdicts, [undefined, 'cannot do bad b', 'invalid c', undefined, 'cannot do bad e']);
    assert.equal(started.length, 2);
    assert.deepEqual(await batches.run(prefix, ['good f']), [undefined]);
    assert.equal(started.length, 2);
  });

  it('gives up on all lines when no process does anything', async () => {
    const verdicts = await batches.run(['heddle-no-such-tool'], ['good a', 'good b', 'good c', 'good d']);
    assert.equal(started.length, 3);
    for (const said of verdicts) assert.match(said ?? '', /ENOENT/);
  });

  it('starts anew after it was let go', async () => {
    await batches.run([...prefix, '-n', 'vrf1'], ['good a']);
    await batches.run(prefix, ['good a']);
    await batches.end('vrf1');
    await batches.run(prefix, ['good a']);
    assert.equal(started.length, 2);
    await batches.run([...prefix, '-n', 'vrf1'], ['good a']);
    assert.equal(started.length, 3);
  });

  it('answers everybody who asks at the same time', async () => {
    const asked = ['a', 'b', 'c'].map((name) => batches.run(prefix, [`bad ${name}`, 'good x', `bad ${name}${name}`]));
    const expected = ['a', 'b', 'c'].map((name) => [`cannot do bad ${name}`, undefined, `cannot do bad ${name}${name}`]);
    assert.deepEqual(await Promise.all(asked), expected);
    assert.equal(started.length, 1);
  });

  it('answers those behind one who is killed by a line, and those whom it still owes an answer when it is let go', async () => {
    const asked = [['good a', 'die b', 'good c'], ['bad d'], ['good e', 'bad f']].map((lines) => batches.run(prefix, lines));
    await batches.end();
    assert.deepEqual(await Promise.all(asked), [[undefined, 'invalid b', undefined], ['cannot do bad d'], [undefined, 'cannot do bad f']]);
  });
});
