import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PolicyRule } from '../../../api/core/rbac.ts';
import { allowsPath, allowsResource, formatRule, missingRules } from './rules.ts';

const target = (plural: string, subresource = '', name = '', group = 'g') => ({ group, plural, subresource, namespace: 'n', name });
const rule = (more: Partial<PolicyRule> = {}): PolicyRule => ({ verbs: ['get'], apiGroups: ['g'], resources: ['robots'], ...more });

describe('a rule', () => {
  it('allows what all of its parts name, and nothing else', () => {
    const cases: readonly [PolicyRule, string, ReturnType<typeof target>, boolean][] = [
      [rule(), 'get', target('robots'), true],
      [rule(), 'list', target('robots'), false],
      [rule(), 'get', target('arms'), false],
      [rule(), 'get', target('robots', '', '', 'other'), false],
      [rule(), 'get', target('robots', 'status'), false],
      [rule({ resources: ['robots/status'] }), 'get', target('robots', 'status'), true],
      [rule({ resources: ['robots/status'] }), 'get', target('robots'), false],
      [rule({ resources: ['*/status'] }), 'get', target('arms', 'status'), true],
      [rule({ resources: ['*/status'] }), 'get', target('arms'), false],
      [rule({ resources: ['*'] }), 'get', target('arms', 'status'), true],
      [rule({ verbs: ['*'], apiGroups: ['*'] }), 'delete', target('robots', '', '', ''), true],
      [rule({ apiGroups: [''] }), 'get', target('robots', '', '', ''), true],
      [rule({ resourceNames: ['a', 'b'] }), 'get', target('robots', '', 'b'), true],
      [rule({ resourceNames: ['a'] }), 'get', target('robots', '', 'b'), false],
      // A list of everything is no list of the one that is named.
      [rule({ resourceNames: ['a'] }), 'get', target('robots'), false],
      [{ verbs: ['get'], nonResourceURLs: ['*'] }, 'get', target('robots'), false],
    ];
    for (const [given, verb, wanted, expected] of cases) assert.equal(allowsResource(given, verb, wanted), expected, JSON.stringify([given, verb, wanted]));
  });

  it('allows paths by name, and by their beginning where it ends in a star', () => {
    const paths = (...nonResourceURLs: string[]): PolicyRule => ({ verbs: ['get'], nonResourceURLs });
    assert.deepEqual(['/metrics', '/metrics/', '/m'].map((path) => allowsPath(paths('/metrics'), 'get', path)), [true, false, false]);
    assert.deepEqual(['/api', '/api/', '/api/v1', '/apis'].map((path) => allowsPath(paths('/api/*'), 'get', path)), [false, true, true, false]);
    assert.equal(allowsPath(paths('*'), 'get', '/anything'), true);
    assert.equal(allowsPath(paths('/a*'), 'post', '/a'), false);
    assert.equal(allowsPath(rule({ resources: ['*'] }), 'get', '/a'), false);
  });

  it('prints as Kubernetes prints it', () =>
    assert.equal(formatRule(rule({ verbs: ['get', 'list'], resourceNames: ['a'] })), '{APIGroups:["g"], Resources:["robots"], ResourceNames:["a"], Verbs:["get", "list"]}'));
});

const some = (...values: string[]) => fc.subarray(values, { minLength: 1 });
const anyRule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: some('get', 'list', '*'),
    apiGroups: some('', 'g', '*'),
    resources: some('robots', 'robots/status', '*/status', '*'),
    resourceNames: fc.subarray(['a', 'b']),
  }),
  fc.record({ verbs: some('get', '*'), nonResourceURLs: some('/a', '/a/*', '*') }),
);

/** Every question that the rules above could be asked. */
const questions = ['get', 'list', 'delete'].flatMap((verb) => [
  ...['', 'g', 'h'].flatMap((group) =>
    [['robots', ''], ['robots', 'status'], ['arms', 'status'], ['arms', '']].flatMap(([plural = '', sub = '']) =>
      ['', 'a', 'b', 'c'].map((name) => (given: PolicyRule) => allowsResource(given, verb, target(plural, sub, name, group))),
    ),
  ),
  ...['/a', '/a/b', '/c'].map((path) => (given: PolicyRule) => allowsPath(given, verb, path)),
]);

describe('what may be handed on', () => {
  it('never allows what the giver could not do himself', () =>
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 4 }), fc.array(anyRule, { minLength: 1, maxLength: 3 }), (held, wanted) => {
        if (missingRules(held, wanted).length > 0) return;
        for (const allows of questions) assert.ok(!wanted.some(allows) || held.some(allows));
      }),
      { numRuns: 2000 },
    ));

  it('is all that one has, whatever else one has, and what is missing is enough to make it whole', () =>
    fc.assert(
      fc.property(fc.array(anyRule, { maxLength: 3 }), fc.array(anyRule, { maxLength: 3 }), (held, wanted) => {
        assert.deepEqual(missingRules([...held, ...wanted], wanted), []);
        assert.deepEqual(missingRules([...held, ...missingRules(held, wanted)], wanted), []);
      }),
    ));
});
