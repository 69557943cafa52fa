import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createScreen } from './screen.ts';

const printed = (terminal: boolean, colour: boolean): string => {
  let text = '';
  const screen = createScreen({ out: (part) => (text += part), terminal, colour });
  screen.heading('Heddle');
  screen.running('control plane');
  screen.line({ title: 'control plane', detail: 'API server', milliseconds: 612 });
  screen.line({ title: 'other VPC', detail: 'web-1 -> report-1', verdict: 'wrong' });
  return text;
};

test('without a terminal there is one plain line a step, aligned, and nothing that overwrites', () => {
  assert.equal(
    printed(false, false),
    `\nHeddle\n  · control plane                      API server                                      612 ms\n  ✘ other VPC                          web-1 -> report-1\n`,
  );
});

test('a terminal shows the running step and overwrites it; without colour it has no colour codes', () => {
  const text = printed(true, false);
  assert.ok(text.includes('\r\u001B[K  … control plane\r\u001B[K  · control plane'));
  assert.ok(!text.includes('\u001B[3'));
  assert.ok(printed(true, true).includes('\u001B[31m✘'));
});
