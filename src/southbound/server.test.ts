import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, Metadata, type ServiceError, credentials, status } from '@grpc/grpc-js';
import {
  type FromAgent,
  FromAgentSchema,
  type FromServer,
  FromServerSchema,
  HelloSchema,
  Phase,
  ReportSchema,
  ResultSchema,
  ResultsSchema,
  type ScopeState,
  ScopeStateSchema,
  type Update,
} from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { rowOfMessage } from '../goal/codec.ts';
import type { Row } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import { loggerTo } from '../kit/log.ts';
import type { Vni } from '../net/brand.ts';
import { retryDelay } from './client.ts';
import type { Contest } from './events.ts';
import { type Southbound, type SouthboundOptions, startSouthbound } from './server.ts';
import { methodPath, protocolVersion } from './service.ts';
import { type Certificate, loopbackCertificate, silentLog, until } from './testing.ts';
import { deviceToken } from './tokens.ts';
import { EncodedUpdates, encodeUpdate } from './updates.ts';

const secret = Buffer.alloc(32, 9);
const vrf = (name: string, description = ''): Row => ({ table: 'vrf', key: name, value: { name, vni: 5001 as Vni, description } });
const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });

/** A device that does only what the test says. */
class RawDevice {
  readonly heard: FromServer['message'][] = [];
  failure: ServiceError | undefined;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<FromAgent | Buffer, FromServer>;

  constructor(address: string, certificate: Certificate, token: string) {
    this.#client = new Client(address, credentials.createSsl(Buffer.from(certificate.certificate)), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const encode = (message: FromAgent | Buffer): Buffer =>
      Buffer.isBuffer(message) ? message : Buffer.from(toBinary(FromAgentSchema, message));
    const decode = (bytes: Buffer): FromServer => fromBinary(FromServerSchema, bytes);
    this.#call = this.#client.makeBidiStreamRequest(methodPath, encode, decode, metadata);
    this.#call.on('data', ({ message }: FromServer) => void this.heard.push(message));
    this.#call.on('error', (error: ServiceError) => (this.failure = error));
  }

  say(message: FromAgent['message']): void {
    this.#call.write(create(FromAgentSchema, { message }));
  }

  sayBytes(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  hello(device: string, scopes: ScopeState[] = [], lineage = '', protocol = protocolVersion, bootEpoch = 'epoch'): void {
    this.say({ case: 'hello', value: create(HelloSchema, { protocol, device, scopes, lineage, bootEpoch }) });
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  answer(update: Update, phase: Phase): void {
    this.say({ case: 'result', value: create(ResultSchema, { scope: update.scope, version: update.toVersion, phase }) });
  }

  report(scopes: ScopeState[]): void {
    this.say({ case: 'report', value: create(ReportSchema, { scopes, full: true }) });
  }

  updates(): Update[] {
    return this.heard.flatMap((message) => (message.case === 'update' ? [message.value] : []));
  }

  cases(): (string | undefined)[] {
    return this.heard.map((message) => message.case);
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

describe('goal-state service', () => {
  let goal: GoalState;
  let certificate: Certificate;
  let southbound: Southbound;
  let devices: RawDevice[];
  const lineage = 'lineage-1';

  const start = async (options: Partial<SouthboundOptions> = {}): Promise<void> => {
    certificate = await loopbackCertificate();
    southbound = await startSouthbound({
      goal,
      listen: ['127.0.0.1:0'],
      tls: certificate,
      tokenSecret: secret,
      log: silentLog,
      lineage,
      ...options,
    });
    southbound.setDevices(['leaf-1']);
  };
  const dial = (token = deviceToken(secret, 'leaf-1')): RawDevice => {
    const device = new RawDevice(southbound.addresses[0] ?? '', certificate, token);
    devices.push(device);
    return device;
  };
  const commits = (device: RawDevice, count: number): Promise<void> =>
    until(`${count} transactions`, () => device.cases().filter((name) => name === 'commit').length >= count);
  const answerAll = (device: RawDevice, phase: Phase): void => {
    for (const update of device.updates()) device.answer(update, phase);
  };
  const commit = (scope: string, ...upserts: Row[]): void => southbound.publish(goal.commit([{ scope, upserts, deletes: [] }]));
  const verified = (scope: string): ScopeState => ({ ...stateOf(scope), phase: Phase.VERIFIED });
  const stateOf = (scope: string): ScopeState => {
    const { version, digest } = goal.scope(scope);
    return create(ScopeStateSchema, { scope, version: BigInt(version), digest });
  };

  beforeEach(() => {
    devices = [];
    goal = new GoalState();
    goal.commit([{ scope: 'device/leaf-1', upserts: [member('vpc/1')], deletes: [] }]);
    goal.commit([{ scope: 'vpc/1', upserts: [vrf('a'), vrf('b')], deletes: [] }]);
  });
  afterEach(async () => {
    for (const device of devices) device.close();
    await southbound.close();
  });

  test('a device that has nothing gets shared scopes first, its own last, then the commit', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    assert.deepEqual(device.cases(), ['welcome', 'update', 'update', 'commit']);
    assert.deepEqual(device.updates().map(({ scope }) => scope), ['vpc/1', 'device/leaf-1']);
  });

  test('a device that has everything, of this lineage or of another, gets no rows', async () => {
    await start();
    for (const known of [lineage, 'another']) {
      const device = dial();
      device.hello('leaf-1', [stateOf('vpc/1'), stateOf('device/leaf-1')], known);
      await commits(device, 1);
      for (const update of device.updates()) assert.deepEqual([update.upserts, update.deletes, update.full], [[], [], false]);
    }
  });

  test('a device gets a delta from its version, and the whole scope when its digest contradicts the version', async () => {
    const before = [stateOf('vpc/1'), stateOf('device/leaf-1')];
    await start();
    commit('vpc/1', vrf('b', 'new'));
    const resumes = dial();
    resumes.hello('leaf-1', before, lineage);
    await commits(resumes, 1);
    assert.deepEqual(resumes.updates()[0]?.upserts.map((row) => rowOfMessage(row).id), ['vrf/b']);
    const contradicts = dial();
    contradicts.hello('leaf-1', before.map((state) => ({ ...state, digest: state.digest + 1n })), lineage);
    await commits(contradicts, 1);
    assert.ok(contradicts.updates().every(({ full }) => full));
  });

  test('a scope that the device should not hold is dropped before anything is added', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1', [create(ScopeStateSchema, { scope: 'vpc/old', version: 1n, digest: 5n })], lineage);
    await commits(device, 1);
    assert.deepEqual(device.cases(), ['welcome', 'drop', 'update', 'update', 'commit']);
  });

  test('a device that does not answer has one transaction under way, whatever happens, and then gets the newest state', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    for (let index = 0; index < 100; index += 1) commit('vpc/1', vrf('a', String(index)));
    answerAll(device, Phase.RECEIVED);
    await commits(device, 2);
    const updates = device.updates();
    assert.equal(updates.length, 3);
    const [row] = updates[2]?.upserts.map((message) => rowOfMessage(message).row) ?? [];
    assert.deepEqual(row, vrf('a', '99'));
    assert.equal(updates[2]?.upserts.length, 1);
  });

  test('a scope that a device left and joined again while it was busy is sent once more, so that its result comes', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    southbound.publish(goal.commit([{ scope: 'device/leaf-1', upserts: [], deletes: ['member/vpc/1'] }]));
    commit('device/leaf-1', member('vpc/1'));
    answerAll(device, Phase.RECEIVED);
    await commits(device, 2);
    assert.deepEqual(device.cases().slice(-3), ['update', 'update', 'commit']);
    const [shared] = device.updates().slice(2);
    assert.deepEqual([shared?.scope, shared?.upserts, shared?.deletes, shared?.full], ['vpc/1', [], [], false]);
  });

  test('after a refusal the device is asked what it has and gets the refused scopes in full', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    answerAll(device, Phase.REFUSED);
    await until('asked', () => device.cases().includes('digestRequest'));
    device.report([]);
    await commits(device, 2);
    assert.deepEqual(device.updates().slice(2).map(({ scope, full }) => [scope, full]), [['vpc/1', true], ['device/leaf-1', true]]);
  });

  test('an answer that was lost is made good by a report of digests', async () => {
    await start({ patienceMilliseconds: 60 });
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    await until('asked', () => device.cases().includes('digestRequest'));
    device.report([stateOf('vpc/1'), stateOf('device/leaf-1')]);
    commit('vpc/1', vrf('a', 'newer'));
    await commits(device, 2);
    assert.deepEqual(device.updates()[2]?.upserts.map((row) => rowOfMessage(row).id), ['vrf/a']);
  });

  test('a device that answers nothing at all is cut off', async () => {
    await start({ patienceMilliseconds: 60 });
    const device = dial();
    device.hello('leaf-1');
    await until('cut off', () => device.failure !== undefined);
    assert.equal(device.failure?.code, status.DEADLINE_EXCEEDED);
    await until('gone', () => southbound.connected().length === 0);
  });

  test('the routine comparison finds a device whose rows changed behind our back', async () => {
    await start({ digestMilliseconds: 30 });
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    answerAll(device, Phase.RECEIVED);
    await until('asked', () => device.cases().includes('digestRequest'));
    device.report([{ ...stateOf('vpc/1'), digest: 77n }, stateOf('device/leaf-1')]);
    await commits(device, 2);
    assert.deepEqual(device.updates().slice(2).map(({ scope, full }) => [scope, full]), [['vpc/1', true]]);
  });

  test('a device that is alone is asked for its digests once a period, and not every other', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let reports = 0;
    await start({ digestMilliseconds: 100, events: { onReport: () => void (reports += 1) } });
    const device = dial();
    device.hello('leaf-1', [verified('vpc/1'), verified('device/leaf-1')], lineage);
    await until('a welcome', () => device.heard.length > 0);
    for (let period = 1; period <= 3; period += 1) {
      t.mock.timers.tick(100);
      await until(`asked ${period} times`, () => device.cases().filter((name) => name === 'digestRequest').length === period);
      device.report([stateOf('vpc/1'), stateOf('device/leaf-1')]);
      await until('the report is heard', () => reports === period);
    }
  });

  test('a device is not asked for its digests before its turn, however few there are', async () => {
    await start({ digestMilliseconds: 60_000, patienceMilliseconds: 1000 });
    const device = dial();
    device.hello('leaf-1', [verified('vpc/1'), verified('device/leaf-1')], lineage);
    await until('a welcome', () => device.heard.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(device.cases(), ['welcome']);
  });

  test('a fault of ours while one device is heard ends its stream and is logged; others go on', async () => {
    const lines: string[] = [];
    const log = loggerTo({ write: (line: string) => void lines.push(line) }, 'test', 'error');
    const onResult = (device: string): void => {
      if (device === 'leaf-1') throw new Error('the handler failed');
    };
    await start({ log, events: { onResult } });
    goal.commit([{ scope: 'device/leaf-2', upserts: [vrf('a')], deletes: [] }]);
    southbound.setDevices(['leaf-1', 'leaf-2']);
    const faulty = dial();
    const other = dial(deviceToken(secret, 'leaf-2'));
    for (const [device, name] of [[faulty, 'leaf-1'], [other, 'leaf-2']] as const) {
      device.hello(name);
      await commits(device, 1);
      answerAll(device, Phase.RECEIVED);
    }
    await until('the stream to end', () => faulty.failure !== undefined);
    assert.equal(faulty.failure?.code, status.INTERNAL);
    assert.ok(lines.some((line) => line.includes('the handler failed') && line.includes('leaf-1')), lines.join(''));
    commit('device/leaf-2', vrf('b'));
    await commits(other, 2);
    assert.deepEqual(southbound.connected(), ['leaf-2']);
  });

  test('what is no message of an agent is told to who sent it', async () => {
    const lines: string[] = [];
    await start({ log: loggerTo({ write: (line: string) => void lines.push(line) }, 'test', 'error') });
    const device = dial();
    device.sayBytes(Buffer.of(0xff, 0xff));
    await until('the stream to end', () => device.failure !== undefined);
    assert.equal(device.failure?.code, status.INVALID_ARGUMENT);
    assert.deepEqual(lines, []);
  });

  test('who has no valid token, a wrong name or another protocol is told so', async () => {
    await start();
    const [stranger, liar, alien] = [dial('leaf-1.AAAA'), dial(), dial()];
    stranger.hello('leaf-1');
    liar.hello('leaf-2');
    alien.hello('leaf-1', [], '', 99);
    await until('all refused', () => [stranger, liar, alien].every(({ failure }) => failure !== undefined));
    assert.deepEqual([stranger.failure?.code, liar.failure?.code, alien.failure?.code], [
      status.UNAUTHENTICATED,
      status.PERMISSION_DENIED,
      status.FAILED_PRECONDITION,
    ]);
    assert.deepEqual(southbound.connected(), []);
  });

  test('a device that is back at once was not away, and one that stays away is told of', async () => {
    const told: string[] = [];
    const events = { onConnected: (device: string) => void told.push(`+${device}`), onDisconnected: (device: string) => void told.push(`-${device}`) };
    await start({ events, absenceMilliseconds: 300, patienceMilliseconds: 40 });
    for (let round = 0; round < 3; round += 1) {
      const device = dial();
      device.hello('leaf-1');
      await until('it is connected', () => told.length === round + 1 && southbound.connected().length === 1);
      device.close();
      await until('it is gone', () => southbound.connected().length === 0);
    }
    assert.deepEqual(told, ['+leaf-1', '+leaf-1', '+leaf-1']);
    await until('it is missed', () => told.length === 4);
    assert.equal(told[3], '-leaf-1');
  });

  test('a fault of ours when an absence is told is logged, and the next absences are told', async () => {
    const told: string[] = [];
    const lines: string[] = [];
    const onDisconnected = (device: string): void => {
      told.push(device);
      throw new Error('the handler failed');
    };
    const log = loggerTo({ write: (line: string) => void lines.push(line) }, 'test', 'error');
    await start({ log, events: { onDisconnected }, absenceMilliseconds: 1, patienceMilliseconds: 40 });
    for (const round of [1, 2]) {
      const device = dial();
      device.hello('leaf-1');
      await until('it is connected', () => southbound.connected().length === 1);
      device.close();
      await until('it is missed', () => told.length === round);
    }
    assert.equal(lines.filter((line) => line.includes('the handler failed')).length, 2);
  });

  test('a second connection takes over from the first', async () => {
    await start();
    const first = dial();
    first.hello('leaf-1');
    await commits(first, 1);
    const second = dial();
    second.hello('leaf-1');
    await commits(second, 1);
    await until('the first is ended', () => first.failure !== undefined);
    assert.equal(first.failure?.code, status.ABORTED);
    assert.deepEqual(southbound.connected(), ['leaf-1']);
  });

  test('a device that is right hears one Welcome, and its last results are taken for granted', async () => {
    const results: string[] = [];
    await start({ events: { onResult: (_device, { scope, version, phase }) => void results.push(`${scope} ${version} ${phase}`) } });
    for (const known of [lineage, 'another']) {
      results.length = 0;
      const { version } = goal.scope('vpc/1');
      const device = dial();
      device.hello('leaf-1', [verified('vpc/1'), verified('device/leaf-1')], known);
      await until('the results', () => results.length === 4);
      assert.deepEqual(results, [`vpc/1 ${version} received`, `vpc/1 ${version} verified`, 'device/leaf-1 1 received', 'device/leaf-1 1 verified']);
      commit('vpc/1', vrf('b', known));
      await commits(device, 1);
      assert.deepEqual(device.cases(), ['welcome', 'update', 'commit'], 'only the change');
      const [welcome] = device.heard;
      assert.ok(welcome?.case === 'welcome');
      assert.deepEqual(welcome.value.scopes.map((scope) => [scope.scope, scope.version]), [['vpc/1', BigInt(version)], ['device/leaf-1', 1n]]);
    }
  });

  test('a device that came before the controller had loaded is confirmed when it has', async () => {
    await start();
    southbound.hold(new Set(['leaf-1']));
    const device = dial();
    device.hello('leaf-1', [verified('vpc/1'), verified('device/leaf-1')], lineage);
    await until('a welcome', () => device.heard.length === 1);
    southbound.hold(new Set());
    await until('another welcome', () => device.heard.length === 2);
    assert.deepEqual(device.heard.map((message) => (message.case === 'welcome' ? message.value.scopes.length : message.case)), [0, 2]);
  });

  test('a scope that was not verified, or is not as it should be, is updated although others are confirmed', async () => {
    await start();
    const device = dial();
    device.hello('leaf-1', [verified('vpc/1'), stateOf('device/leaf-1')], lineage);
    await commits(device, 1);
    assert.deepEqual(device.updates().map(({ scope }) => scope), ['device/leaf-1']);
  });

  test('a later phase answers an update too, and several results come in one message', async () => {
    const phases: string[] = [];
    await start({ events: { onResult: (_device, { scope, phase }) => void phases.push(`${scope} ${phase}`) } });
    const device = dial();
    device.hello('leaf-1');
    await commits(device, 1);
    const results = device.updates().map(({ scope, toVersion: version }) => create(ResultSchema, { scope, version, phase: Phase.VERIFIED }));
    device.say({ case: 'results', value: create(ResultsSchema, { results }) });
    commit('vpc/1', vrf('a', 'next'));
    await commits(device, 2);
    assert.deepEqual(phases, ['vpc/1 received', 'vpc/1 verified', 'device/leaf-1 received', 'device/leaf-1 verified']);
  });

  test('an isolation says the term of its leader', async () => {
    await start({ term: 7 });
    const device = dial(deviceToken(secret, 'leaf-9'));
    device.hello('leaf-9');
    await until('isolated', () => device.cases().includes('isolate'));
    const isolate = device.heard.at(-1);
    assert.ok(isolate?.case === 'isolate');
    assert.deepEqual([isolate.value.term, isolate.value.reason], [7n, "no Switch 'leaf-9' is declared"]);
  });

  test('two agents that take turns as one device are told of', async () => {
    const told: Contest[] = [];
    await start({ events: { onContested: (_device, contest) => void told.push(contest) } });
    for (const epoch of ['one', 'two', 'one']) {
      const device = dial();
      device.hello('leaf-1', [], lineage, protocolVersion, epoch);
      await commits(device, 1);
    }
    assert.deepEqual(told.map(({ bootEpochs }) => bootEpochs), [['two', 'one']]);
  });

  test('a device that reads nothing costs no more than a few parts of what waits for it, and gets all of it in the end', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => vrf(`vrf-${index}`, 'x'.repeat(80)));
    goal.commit([{ scope: 'vpc/1', upserts: rows, deletes: [] }]);
    await start();
    const device = dial();
    device.pause();
    device.hello('leaf-1');
    await until('the first parts', () => southbound.encodedUpdates() > 0);
    for (let index = 0; index < 200; index += 1) commit('vpc/1', vrf('a', String(index)));
    assert.ok(southbound.encodedUpdates() < 10, `${southbound.encodedUpdates()} parts were made`);
    device.resume();
    await commits(device, 1);
    const parts = device.updates().filter(({ scope }) => scope === 'vpc/1');
    assert.ok(parts.length > 20);
    assert.deepEqual(parts.map(({ more }) => more), parts.map((_, index) => index < parts.length - 1));
    answerAll(device, Phase.RECEIVED);
    await commits(device, 2);
    assert.deepEqual(device.updates().at(-1)?.upserts.map((row) => rowOfMessage(row).row), [vrf('a', '199')]);
  });

  test('of many devices that dial at once only so many are brought up to date at the same time', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    for (const name of names) goal.commit([{ scope: `device/${name}`, upserts: [vrf(name)], deletes: [] }]);
    await start({ mostAdmitted: 3 });
    southbound.setDevices(names);
    const many = names.map((name) => dial(deviceToken(secret, name)));
    for (const [index, device] of many.entries()) device.hello(names[index] ?? '');
    const begun = (): RawDevice[] => many.filter((device) => device.cases().includes('commit'));
    for (let served = 3; served <= 12; served += 3) {
      await until(`${served} are served`, () => begun().length >= served && southbound.connected().length === 12);
      assert.equal(begun().length, served);
      for (const device of begun()) answerAll(device, Phase.RECEIVED);
    }
  });

  test('an address that is taken is a clear error', async () => {
    await start();
    const [address] = southbound.addresses;
    const again = startSouthbound({ goal, listen: [address ?? ''], tls: certificate, tokenSecret: secret, log: silentLog });
    await assert.rejects(again, /cannot listen for devices on '127.0.0.1:/);
  });
});

const messageOf = (frame: Buffer | undefined): Update => {
  const { message } = fromBinary(FromServerSchema, frame?.subarray(5) ?? new Uint8Array());
  assert.ok(message.case === 'update');
  return message.value;
};

describe('encoded updates', () => {
  test('one and the same bytes serve all subscribers, within a bound', () => {
    const goal = new GoalState();
    const scopes = ['vpc/1', 'vpc/2', 'vpc/3'];
    for (const scope of scopes) goal.commit([{ scope, upserts: [vrf('a')], deletes: [] }]);
    const updates = new EncodedUpdates(goal, 1, { limitBytes: 60 });
    const first = updates.update('vpc/1', 0).part(0);
    assert.equal(updates.update('vpc/1', 0).part(0), first);
    assert.equal(updates.encoded, 1);
    for (const scope of scopes) updates.update(scope, 0).part(0);
    assert.deepEqual(updates.update('vpc/1', 0).part(0), first);
    assert.equal(updates.encoded, 4);
  });

  test('a large scope is made of parts of bounded size, which together are the scope as it was', () => {
    const goal = new GoalState();
    const rows = Array.from({ length: 1000 }, (_, index) => vrf(`vrf-${index}`, 'x'.repeat(index % 300)));
    goal.commit([{ scope: 'vpc/1', upserts: rows, deletes: [] }]);
    const { digest, version } = goal.scope('vpc/1');
    const updates = new EncodedUpdates(goal, 3, { partBytes: 4096, limitBytes: 10_000 });
    const update = updates.update('vpc/1', -1);
    const parts = [messageOf(update.part(0))];
    // What is being sent does not change under a device that takes its time.
    goal.commit([{ scope: 'vpc/1', upserts: [vrf('new')], deletes: ['vrf/vrf-999'] }]);
    for (let index = 1; ; index += 1) {
      const part = update.part(index);
      if (part === undefined) break;
      assert.ok(part.length < 5000);
      parts.push(messageOf(part));
    }
    assert.ok(parts.length > 20);
    assert.deepEqual(parts.map(({ more }) => more), parts.map((_, index) => index < parts.length - 1));
    assert.ok(parts.every(({ full, toVersion, term }) => full && toVersion === BigInt(version) && term === 3n));
    assert.equal(parts.at(-1)?.digest, digest);
    assert.deepEqual(parts.flatMap(({ upserts }) => upserts.map((row) => rowOfMessage(row).row)), rows);
    assert.equal(update.alone(), undefined);
    assert.deepEqual(messageOf(update.part(0)), parts[0], 'a part that is no longer kept is made anew');
  });

  test('an update that was forgotten while its parts were still kept is made anew as a whole', () => {
    const goal = new GoalState();
    const rows = Array.from({ length: 100 }, (_, index) => vrf(`vrf-${index}`, 'x'.repeat(100)));
    for (const scope of ['vpc/1', 'vpc/2']) goal.commit([{ scope, upserts: rows, deletes: [] }]);
    const updates = new EncodedUpdates(goal, 1, { partBytes: 4096, rememberedRows: 200 });
    const first = updates.update('vpc/1', -1);
    const parts = [first.part(0), first.part(1)];
    updates.update('vpc/2', -1);
    const again = updates.update('vpc/1', -1);
    assert.notEqual(again, first, 'it was forgotten');
    assert.deepEqual([again.part(0), again.part(1)], parts);
  });

  test('an update that takes something away says so', () => {
    const goal = new GoalState();
    goal.commit([{ scope: 'vpc/1', upserts: [vrf('a'), vrf('b')], deletes: [] }]);
    const updates = new EncodedUpdates(goal, 1);
    assert.equal(updates.update('vpc/1', 0).withdraws, false);
    goal.commit([{ scope: 'vpc/1', upserts: [], deletes: ['vrf/a'] }]);
    assert.equal(updates.update('vpc/1', 1).withdraws, true);
  });

  test('the bytes are a FromServer with the delta in it', () => {
    const digest = 0xffff_ffff_ffff_fffen;
    const delta = { scope: 'vpc/1', from: 3, to: 5, full: false, upserts: [vrf('a')], deletes: ['vrf/b/c'], digest };
    const { message } = fromBinary(FromServerSchema, encodeUpdate(delta, 7));
    assert.ok(message.case === 'update');
    const { value } = message;
    assert.deepEqual([value.scope, value.fromVersion, value.toVersion, value.term, value.digest], ['vpc/1', 3n, 5n, 7n, digest]);
    assert.deepEqual(value.upserts.map((row) => rowOfMessage(row).row), [vrf('a')]);
    assert.deepEqual(value.deletes.map(({ table, key, number }) => [table, key, number]), [['vrf', 'b/c', 16]]);
  });
});

test('an agent dials again within 100 ms at first and after at most 2 s', () => {
  assert.ok(retryDelay(0, 0.999) <= 100);
  for (let attempt = 0; attempt < 2000; attempt += 1) assert.ok(retryDelay(attempt, 0.999) <= 2000);
  assert.ok(retryDelay(20, 0) >= 1000);
});
