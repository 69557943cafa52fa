/** Server-side apply with every real kubectl: conflicts in its words, force, and the way from client-side apply. */
import assert from 'node:assert/strict';
import { robot } from '../testing.ts';
import { kubectlSuite, type Kubectl } from './kubectl.ts';

const managers = (kubectl: Kubectl): Promise<string> => kubectl.ok('get', 'robot', 'r', '-o', 'jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation} {end}', ...shown(kubectl));

/** kubectl leaves managedFields out unless asked since 1.21. */
const shown = ({ minor }: Kubectl): string[] => (minor < 21 ? [] : ['--show-managed-fields']);

const field = (kubectl: Kubectl, path: string): Promise<string> => kubectl.ok('get', 'robot', 'r', '-o', `jsonpath={${path}}`);

/** What every version does alike is played by the newer ones only. */
const newer = 32;

const serverSide = ['apply', '--server-side', '-f'] as const;

await kubectlSuite('server-side apply by a real kubectl', {
  'creates, changes, and takes out what is no longer in the file': async (kubectl: Kubectl) => {
    const file = await kubectl.file('r.yaml', robot('r', { color: 'red', arms: { left: { joints: 3 } }, skills: ['weld'] }));
    assert.equal(await kubectl.ok(...serverSide, file), 'robot.test.heddle.dev/r serverside-applied\n');
    const version = await field(kubectl, '.metadata.resourceVersion');
    await kubectl.ok(...serverSide, file);
    assert.equal(await field(kubectl, '.metadata.resourceVersion'), version, 'the same file again changes nothing');
    await kubectl.ok('label', 'robot', 'r', 'rack=r7');
    await kubectl.ok(...serverSide, await kubectl.file('less.yaml', robot('r', { skills: ['weld', 'paint'] })));
    assert.equal(await field(kubectl, '.spec.color} {.spec.arms} {.spec.skills} {.metadata.labels.rack'), '  ["weld","paint"] r7');
    assert.equal(await managers(kubectl), 'kubectl/Apply kubectl-label/Update ');
  },

  'conflicts are told in its words and can be forced, and who says the same shares the field': async (kubectl: Kubectl) => {
    const file = (speed: number) => kubectl.file(`speed${speed}.yaml`, robot('r', { speed, ports: [{ name: 'x', num: speed }] }));
    await kubectl.ok(...serverSide, await file(2), '--field-manager=m1');
    const refused = await kubectl.outcome(...serverSide, await file(3), '--field-manager=m2');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Apply failed with 2 conflicts: conflicts with "m1"(.|\n)*- \.spec\.ports\[name="x"\]\.num\n- \.spec\.speed/);
    assert.match(refused.err, /--force-conflicts/);
    assert.equal(await field(kubectl, '.spec.speed'), '2');
    await kubectl.ok(...serverSide, await file(2), '--field-manager=m3');
    assert.equal(await managers(kubectl), 'm1/Apply m3/Apply ');
    await kubectl.ok(...serverSide, await file(3), '--field-manager=m2', '--force-conflicts');
    assert.equal(await field(kubectl, '.spec.speed} {.spec.ports[0].num'), '3 3');
  },

  'a dry run and a diff tell what would be, and change nothing': {
    since: newer,
    play: async (kubectl: Kubectl) => {
      const file = await kubectl.file('r.yaml', robot('r', { speed: 2 }));
      assert.match(await kubectl.ok(...serverSide, file, '--dry-run=server'), /serverside-applied \(server dry run\)/);
      assert.equal(await kubectl.ok('get', 'robots', '-o', 'name'), '');
      await kubectl.ok(...serverSide, file);
      const faster = await kubectl.file('faster.yaml', robot('r', { speed: 9 }));
      assert.match(await kubectl.ok(...serverSide, faster, '--dry-run=server', '-o', 'jsonpath={.spec.speed}'), /9/);
      const diff = await kubectl.outcome('diff', '--server-side', '-f', faster);
      assert.equal(diff.code, 1, diff.err);
      assert.match(diff.out, /-\s+speed: 2\n\+\s+speed: 9/);
      assert.equal((await kubectl.outcome('diff', '--server-side', '-f', file)).code, 0);
      assert.equal(await field(kubectl, '.spec.speed'), '2');
    },
  },

  'typos in an applied file are refused, and so is what the kind does not take': {
    since: newer,
    play: async (kubectl: Kubectl) => {
      const typo = await kubectl.outcome(...serverSide, await kubectl.file('typo.yaml', robot('r', { sped: 3 })));
      assert.match(typo.err, /unknown field "(spec\.)?sped"/);
      const unlucky = await kubectl.outcome(...serverSide, await kubectl.file('bad.yaml', robot('r', { speed: 13 })));
      assert.match(unlucky.err, /spec.speed: 13 is unlucky; use 12/);
      const twice = await kubectl.outcome(...serverSide, await kubectl.file('twice.yaml', robot('r', { ports: [{ name: 'x' }, { name: 'x' }] })));
      assert.match(twice.err, /spec.ports\[1\]/);
      assert.equal(await kubectl.ok('get', 'robots', '-o', 'name'), '');
    },
  },

  'an object moves from client-side to server-side apply, and fields that then leave the file go': async (kubectl: Kubectl) => {
    await kubectl.ok('apply', '-f', await kubectl.file('client.yaml', robot('r', { color: 'red', speed: 2 }, { labels: { rack: 'r1' } })));
    assert.equal(await managers(kubectl), 'kubectl-client-side-apply/Update ');
    const moved = await kubectl.file('server.yaml', robot('r', { speed: 3 }, { labels: { rack: 'r2' } }));
    await kubectl.ok(...serverSide, moved);
    assert.equal(await field(kubectl, '.spec.speed} {.metadata.labels.rack'), '3 r2');
    if (kubectl.minor >= 26) {
      assert.equal(await field(kubectl, '.spec.color'), '', 'kubectl hands over what client-side apply owned');
      assert.doesNotMatch(await managers(kubectl), /client-side/);
    }
    await kubectl.ok(...serverSide, await kubectl.file('bare.yaml', robot('r')));
    assert.equal(await field(kubectl, '.spec.speed} {.metadata.labels'), '1 ');
  },

  'core kinds are applied like others': {
    since: newer,
    play: async (kubectl: Kubectl) => {
      const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'default' }, data: { a: '1', b: '2' } };
      await kubectl.ok(...serverSide, await kubectl.file('c.yaml', manifest));
      await kubectl.ok('patch', 'configmap', 'c', '-p', '{"data":{"c":"3"}}');
      await kubectl.ok(...serverSide, await kubectl.file('c2.yaml', { ...manifest, data: { a: '1' } }));
      assert.equal(await kubectl.ok('get', 'configmap', 'c', '-o', 'jsonpath={.data}'), '{"a":"1","c":"3"}');
    },
  },
});
