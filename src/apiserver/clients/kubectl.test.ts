/** One day in the life of an object, with every real kubectl. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { robot, type TestServer } from '../testing.ts';
import { kubectlSuite, type Kubectl } from './kubectl.ts';

/** Until somebody watches robots: what is deleted from then on is seen. */
const untilWatched = async ({ server }: TestServer): Promise<void> => {
  for (;;) {
    if (/^apiserver_longrunning_requests\{.*resource="robots".*\} 1$/m.test(await server.metrics.metrics())) return;
    await sleep(10);
  }
};

await kubectlSuite('a real kubectl', {
  'applies: created, unchanged, configured, and a bad manifest changes nothing': async (kubectl: Kubectl) => {
    const file = await kubectl.file('r.yaml', robot('r', { speed: 2 }));
    assert.equal(await kubectl.ok('apply', '-f', file), 'robot.test.heddle.dev/r created\n');
    assert.equal(await kubectl.ok('apply', '-f', file), 'robot.test.heddle.dev/r unchanged\n');
    const changed = await kubectl.file('r2.yaml', robot('r', { speed: 3, tags: ['x'] }));
    assert.equal((await kubectl.outcome('diff', '-f', changed)).code, 1);
    assert.equal(await kubectl.ok('apply', '-f', changed), 'robot.test.heddle.dev/r configured\n');
    assert.equal((await kubectl.outcome('diff', '-f', changed)).code, 0);
    const typo = await kubectl.outcome('apply', '-f', await kubectl.file('typo.yaml', robot('r', { sped: 3 })));
    assert.match(typo.err, /unknown field "(spec\.)?sped"/);
    const invalid = await kubectl.outcome('apply', '-f', await kubectl.file('bad.yaml', robot('r', { speed: 13 })));
    assert.match(invalid.err, /spec.speed: 13 is unlucky; use 12/);
    assert.equal(await kubectl.ok('get', 'robot', 'r', '-o', 'jsonpath={.spec.speed}{.metadata.generation}'), '32');
  },

  'gets: table, wide, yaml, names, all namespaces, selectors, pages, short names': async (kubectl: Kubectl) => {
    await kubectl.ok('create', 'namespace', 'team');
    for (const name of ['a', 'b', 'c']) {
      await kubectl.ok('create', '-f', await kubectl.file(`${name}.yaml`, robot(name, { color: 'red' }, { labels: { rack: name === 'c' ? 'r2' : 'r1' } })));
    }
    await kubectl.ok('create', '-f', await kubectl.file('d.yaml', robot('d', {}, { namespace: 'team' })));
    assert.match(await kubectl.ok('get', 'robots'), /^NAME +MODEL +SPEED +READY +AGE\na +r2 +1 /);
    assert.match(await kubectl.ok('get', 'rb', 'a', '-o', 'wide'), /COLOR\na .* red/);
    assert.match(await kubectl.ok('get', 'robot', 'a', '-o', 'yaml'), /\nkind: Robot\n/);
    assert.match(await kubectl.ok('get', 'robots', '-A'), /^NAMESPACE +NAME[^]*\nteam +d /);
    assert.equal(await kubectl.ok('get', 'robots', '-l', 'rack=r1', '-o', 'name'), 'robot.test.heddle.dev/a\nrobot.test.heddle.dev/b\n');
    assert.equal(await kubectl.ok('get', 'robots', '--field-selector', 'metadata.name=c', '-o', 'name'), 'robot.test.heddle.dev/c\n');
    assert.match(await kubectl.ok('get', 'robots', '--show-labels', '--chunk-size=1'), /a .*rack=r1\nb .*rack=r1\nc .*rack=r2\n/);
    assert.match(await kubectl.ok('get', 'all'), /\na +r2 /);
    assert.match((await kubectl.outcome('get', 'robot', 'nobody')).err, /robots.test.heddle.dev "nobody" not found/);
  },

  'edits, patches, labels and annotates': async (kubectl: Kubectl) => {
    await kubectl.ok('create', '-f', await kubectl.file('r.yaml', robot('r', { speed: 2 })));
    await chmod(await kubectl.file('editor', '#!/bin/sh\nsed -i "s/speed: 2/speed: 7/" "$1"\n'), 0o755);
    assert.match(await kubectl.ok('edit', 'robot', 'r'), /edited/);
    await kubectl.ok('patch', 'robot', 'r', '--type', 'merge', '-p', '{"spec":{"color":"blue"}}');
    await kubectl.ok('patch', 'robot', 'r', '--type', 'json', '-p', '[{"op":"add","path":"/spec/tags","value":["t"]}]');
    await kubectl.ok('label', 'robot', 'r', 'rack=r7');
    await kubectl.ok('annotate', 'robot', 'r', 'note=hello');
    const picture = '{.spec.speed} {.spec.color} {.spec.tags[0]} {.metadata.labels.rack} {.metadata.annotations.note}';
    assert.equal(await kubectl.ok('get', 'robot', 'r', '-o', `jsonpath=${picture}`), '7 blue t r7 hello');
    assert.match((await kubectl.outcome('patch', 'robot', 'r', '-p', '{}')).err, /merge-patch\+json|not supported/);
    const forbidden = await kubectl.outcome('patch', 'robot', 'r', '--type', 'merge', '-p', '{"spec":{"model":"x1"}}');
    assert.match(forbidden.err, /The Robot "r" is invalid: spec.model: the model cannot be changed/);
    await kubectl.ok('label', 'namespace', 'default', 'tenant=yes');
    await kubectl.ok('replace', '-f', await kubectl.file('r2.yaml', robot('r', { speed: 4 })));
  },

  'waits for a condition and for the end, watches, deletes': async (kubectl: Kubectl) => {
    await kubectl.ok('create', '-f', await kubectl.file('r.yaml', robot('r')));
    const { client } = kubectl.test.server;
    const ref = { kind: 'Robot', namespace: 'default', name: 'r' };
    const waiting = kubectl.ok('wait', '--for=condition=Programmed', 'robot/r', '--timeout=20s');
    await client.patchStatus(ref, { ready: '0/1', conditions: [{ type: 'Programmed', status: 'False' }] });
    await client.patchStatus(ref, { ready: '1/1', conditions: [{ type: 'Programmed', status: 'True' }] });
    assert.match(await waiting, /condition met/);
    const change = () => client.patchStatus(ref, { ready: '2/2' });
    assert.match(await kubectl.until((text) => text.includes('2/2'), change, 'get', 'robots', '-w'), /r +r2 +1 +1\/1 .*\nr +r2 +1 +2\/2/);
    assert.match(await kubectl.ok('delete', 'robot', 'r', '--timeout=20s'), /"r" deleted/);
    await kubectl.ok('create', '-f', await kubectl.file('held.yaml', robot('held', {}, { finalizers: ['heddle.dev/cleanup'] })));
    await kubectl.ok('delete', 'robot', 'held', '--wait=false');
    const gone = kubectl.ok('wait', '--for=delete', 'robot/held', '--timeout=20s');
    await untilWatched(kubectl.test);
    await kubectl.ok('patch', 'robot', 'held', '--type', 'merge', '-p', '{"metadata":{"finalizers":null}}');
    await gone;
    assert.equal(await kubectl.ok('get', 'robots', '-o', 'name'), '');
  },

  'explains, lists resources, describes with events, dry-runs, deletes namespaces': async (kubectl: Kubectl) => {
    assert.match(await kubectl.ok('explain', 'robot.spec.arms'), /How many joints/);
    assert.match(await kubectl.ok('explain', 'robots'), /A robot of the tests/);
    assert.match(await kubectl.ok('api-resources'), /robots +rb +test.heddle.dev\/v1 +true +Robot/);
    assert.match(await kubectl.ok('api-versions'), /test.heddle.dev\/v1\nv1/);
    const file = await kubectl.file('r.yaml', robot('r'));
    assert.match(await kubectl.ok('create', '--dry-run=server', '-f', file), /created \(server dry run\)/);
    assert.equal(await kubectl.ok('get', 'robots', '-o', 'name'), '');
    await kubectl.ok('create', '-f', file);
    const uid = await kubectl.ok('get', 'robot', 'r', '-o', 'jsonpath={.metadata.uid}');
    const event = { involvedObject: { kind: 'Robot', namespace: 'default', name: 'r', uid }, reason: 'Programmed', message: '1 of 1 devices', type: 'Normal' };
    await kubectl.test.server.client.create({ apiVersion: 'v1', kind: 'Event', metadata: { name: 'r.1', namespace: 'default' }, ...event });
    assert.match(await kubectl.ok('describe', 'robot', 'r'), /Name: +r\n[^]*Model: +r2\n[^]*Programmed.*1 of 1 devices/);
    assert.match(await kubectl.ok('get', 'events'), /Programmed +Robot +r +1 of 1 devices/);
    await kubectl.ok('create', 'namespace', 'team');
    await kubectl.ok('create', '-f', await kubectl.file('t.yaml', robot('t', {}, { namespace: 'team' })));
    await kubectl.ok('delete', 'namespace', 'team', '--timeout=20s');
    assert.doesNotMatch(await kubectl.ok('get', 'robots', '-A'), /team/);
  },
}, 'turning points');
