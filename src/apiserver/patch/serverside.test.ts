/** Server-side apply case by case: who owns what, what is taken out, and what is refused, after the tables of structured-merge-diff. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Resource } from '../../api/object.ts';
import type { JsonObject } from '../../kit/json.ts';
import { createScheme } from '../scheme.ts';
import { robot, robotKind } from '../testing.ts';
import { parseFields, pathsOf } from './fields.ts';
import { afterUpdate, managedFields, ownerOfAll, type Owner } from './owners.ts';
import { ApplyConflict, applyToLive, ownersOfApplied } from './serverside.ts';

const served = createScheme([robotKind]).byKind('Robot');
const none = { half: undefined, time: '1' } as const;

/** One object and those who write it. */
class Play {
  object: Resource;
  owners: readonly Owner[];

  constructor(object: JsonObject, owners: readonly Owner[]) {
    this.object = object as JsonObject & Resource;
    this.owners = owners;
  }

  apply(manager: string, spec: JsonObject, { force = false, ...metadata }: JsonObject & { force?: boolean } = {}): this {
    const config = robot('r', spec, metadata) as JsonObject & Resource;
    Object.assign(this, applyToLive(served, this.object, this.owners, { ...none, config, manager, force }));
    return this;
  }

  update(manager: string, spec: JsonObject, metadata: JsonObject = {}): this {
    const after = robot('r', spec, metadata) as JsonObject & Resource;
    this.owners = afterUpdate(served, this.owners, { ...none, before: this.object, after, manager });
    this.object = after;
    return this;
  }

  get spec(): unknown {
    return this.object.spec;
  }

  /** Paths that the managers own, those of `spec.model`, which all robots have, aside. */
  get owned(): { [manager: string]: string[] } {
    return Object.fromEntries(
      managedFields(served, this.object, this.owners).map(({ manager, operation, fieldsV1 }) => [
        `${String(manager)} ${String(operation)}`,
        pathsOf(parseFields(fieldsV1) ?? {}).filter((path) => path !== '.spec.model' && path !== '.spec'),
      ]),
    );
  }
}

const applied = (manager: string, spec: JsonObject, metadata: JsonObject = {}): Play => {
  const config = robot('r', spec, metadata) as JsonObject & Resource;
  return new Play(config, ownersOfApplied(served, { ...none, config, manager, force: false }));
};

const created = (manager: string, spec: JsonObject): Play => new Play(robot('r', spec), [ownerOfAll(manager, undefined, '0')]);

const refusal = (work: () => unknown): ApplyConflict => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof ApplyConflict) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

describe('one applier', () => {
  it('takes out a field, a set member, a list item and a map entry that left the file', () => {
    const play = applied('me', { color: 'red', skills: ['a', 'b'], ports: [{ name: 'x', num: 1 }, { name: 'y', num: 2 }], arms: { left: { joints: 2 }, right: { joints: 3 } } });
    play.apply('me', { skills: ['b'], ports: [{ name: 'y', num: 2 }], arms: { right: { joints: 3 } } });
    assert.deepEqual(play.spec, { model: 'r2', skills: ['b'], ports: [{ name: 'y', num: 2 }], arms: { right: { joints: 3 } } });
  });

  it('takes out the list with its last item, and defaults inside an entry with the entry', () => {
    const play = applied('me', { ports: [{ name: 'x', num: 1 }], arms: { left: { joints: 2 } } });
    Object.assign(play.object, { spec: { model: 'r2', ports: [{ name: 'x', num: 1, note: 'default' }], arms: { left: { joints: 2, tool: 'default' } } } });
    assert.deepEqual(play.apply('me', {}).spec, { model: 'r2' });
  });

  it('replaces a list without keys as a whole', () => {
    assert.deepEqual(applied('me', { tags: ['a', 'b'] }).apply('me', { tags: ['c'] }).spec, { model: 'r2', tags: ['c'] });
  });

  it('owns items and entries themselves, but not the fields that hold them', () => {
    const play = applied('me', { skills: ['a'], ports: [{ name: 'x', num: 1 }], arms: { left: { joints: 2 } }, tags: [] }, { labels: { on: 'yes' } });
    assert.deepEqual(play.owned, {
      'me Apply': ['.metadata.labels.on', '.spec.arms.left', '.spec.arms.left.joints', '.spec.ports[name="x"]', '.spec.ports[name="x"].name', '.spec.ports[name="x"].num', '.spec.skills[="a"]', '.spec.tags'],
    });
  });

  it('has items in the order applied, and those of others keep their place', () => {
    const play = applied('me', { ports: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }).apply('you', { ports: [{ name: 'z' }, { name: 'b' }] });
    assert.deepEqual((play.spec as { ports: { name: string }[] }).ports.map(({ name }) => name), ['z', 'a', 'b', 'c']);
    play.apply('me', { ports: [{ name: 'c' }, { name: 'a' }] });
    assert.deepEqual((play.spec as { ports: { name: string }[] }).ports.map(({ name }) => name), ['z', 'b', 'c', 'a']);
  });
});

describe('several appliers', () => {
  it('share what they say alike, and it goes with the last of them', () => {
    const play = applied('one', { color: 'red', skills: ['a'] }).apply('two', { color: 'red', skills: ['a', 'b'] });
    assert.deepEqual(play.apply('one', {}).spec, { model: 'r2', color: 'red', skills: ['a', 'b'] });
    assert.deepEqual(play.apply('two', {}).spec, { model: 'r2' });
  });

  it('own parts of one item, which stays while one of them names it', () => {
    const play = applied('one', { ports: [{ name: 'x', num: 1 }] }).apply('two', { ports: [{ name: 'x', note: 'n' }] });
    assert.deepEqual(play.apply('one', {}).spec, { model: 'r2', ports: [{ name: 'x', note: 'n' }] });
    assert.deepEqual(play.owned['one Apply'], []);
  });

  it('conflict with all fields and owners named, in words that kubectl prints', () => {
    const play = applied('one', { speed: 2, ports: [{ name: 'x', num: 1 }] }).update('bob', { speed: 2, ports: [{ name: 'x', num: 1 }], color: 'red' });
    const conflict = refusal(() => play.apply('two', { speed: 3, color: 'blue', ports: [{ name: 'x', num: 2 }] }));
    assert.equal(conflict.status, 409);
    assert.deepEqual(conflict.findings, [
      { path: '.spec.color', code: 'FieldManagerConflict', message: 'conflict with "bob" using Update at 1' },
      { path: '.spec.ports[name="x"].num', code: 'FieldManagerConflict', message: 'conflict with "one"' },
      { path: '.spec.speed', code: 'FieldManagerConflict', message: 'conflict with "one"' },
    ]);
    assert.equal(conflict.message, 'Apply failed with 3 conflicts: conflicts with "bob" using Update at 1:\n- .spec.color\nconflicts with "one":\n- .spec.ports[name="x"].num\n- .spec.speed');
    assert.equal(refusal(() => play.apply('two', { speed: 3 })).message, 'Apply failed with 1 conflict: conflict with "one": .spec.speed');
  });

  it('take from each other what they force, and nothing else', () => {
    const play = applied('one', { speed: 2, color: 'red' }).apply('two', { speed: 3, force: true } as JsonObject, { force: true });
    assert.deepEqual(play.owned['one Apply'], ['.spec.color']);
    assert.ok(play.owned['two Apply']?.includes('.spec.speed'));
    assert.deepEqual(play.apply('one', { color: 'red' }).spec, { model: 'r2', color: 'red', speed: 3, force: true }, 'what was lost is not taken out');
  });

  it('conflict on a list without keys, whatever of it differs', () => {
    const play = applied('one', { tags: ['a'] });
    assert.deepEqual(refusal(() => play.apply('two', { tags: ['a', 'b'] })).findings.map(({ path }) => path), ['.spec.tags']);
    assert.deepEqual(play.apply('two', { tags: ['a'] }).spec, { model: 'r2', tags: ['a'] });
  });
});

describe('updates among appliers', () => {
  it('take what they change without a conflict, and parents are theirs when they are new', () => {
    const play = applied('one', { speed: 2, color: 'red' }).update('bob', { speed: 5, color: 'red', arms: { left: { joints: 2 } } });
    assert.deepEqual(play.owned, {
      'one Apply': ['.spec.color'],
      'bob Update': ['.spec.arms', '.spec.arms.left', '.spec.arms.left.joints', '.spec.speed'],
    });
  });

  it('that take a field out leave it to nobody', () => {
    assert.deepEqual(applied('one', { speed: 2, color: 'red' }).update('bob', { color: 'red' }).owned, { 'one Apply': ['.spec.color'] });
  });

  it('own what they added to an item until the item is given up', () => {
    const play = applied('one', { ports: [{ name: 'x', num: 1 }] }).update('bob', { ports: [{ name: 'x', num: 1, note: 'n' }] });
    assert.deepEqual(play.owned['bob Update'], ['.spec.ports[name="x"].note']);
    assert.deepEqual(play.apply('one', {}).spec, { model: 'r2' });
  });

  it('keep a field that an applier gave up', () => {
    const play = created('bob', { color: 'red' }).apply('one', { color: 'red' });
    assert.deepEqual(play.apply('one', {}).spec, { model: 'r2', color: 'red' });
  });

  it('conflict with their own apply: an updater and an applier of one name are two', () => {
    const play = created('me', { speed: 2 });
    assert.deepEqual(refusal(() => play.apply('me', { speed: 3 })).findings.map(({ message }) => message), ['conflict with "me" using Update at 0']);
  });
});

describe('objects whose owners nobody kept', () => {
  it('belong to whoever was before the first apply', () => {
    const play = new Play(robot('r', { speed: 2, color: 'red' }), []).apply('one', { color: 'red' });
    assert.deepEqual(play.owned['before-first-apply Update'], ['.spec.color', '.spec.speed']);
    assert.deepEqual(refusal(() => play.apply('one', { speed: 3 })).findings.map(({ path }) => path), ['.spec.speed']);
  });

  it('are not tracked by updates', () => {
    assert.deepEqual(new Play(robot('r', { speed: 2 }), []).update('bob', { speed: 3 }).owners, []);
  });
});

describe('what kubectl applied on the client before', () => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
  const from = (spec: JsonObject): Play => {
    const text = JSON.stringify(robot('r', { speed: 2 }));
    return new Play(robot('r', spec, { annotations: { [annotation]: text } }), [ownerOfAll('kubectl-client-side-apply', undefined, '0')]);
  };

  it('kubectl takes over without force, as far as the file went', () => {
    assert.deepEqual(from({ speed: 2 }).apply('kubectl', { speed: 4 }).spec, { model: 'r2', speed: 4 });
    const beyond = from({ speed: 2, color: 'red' });
    assert.deepEqual(refusal(() => beyond.apply('kubectl', { speed: 4, color: 'blue' })).findings.map(({ path }) => path), ['.spec.color']);
  });

  it('others do not', () => {
    assert.deepEqual(refusal(() => from({ speed: 2 }).apply('argocd', { speed: 4 })).findings.map(({ path }) => path), ['.spec.speed']);
  });
});
