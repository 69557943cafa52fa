/** Agents and two servers of which one leads, over real connections. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { HelloSchema } from '../goal/gen/heddle/agent/v1/agent_pb.ts';
import { GoalState } from '../goal/state.ts';
import { type ClientHandlers, type SouthboundClient, connectSouthbound } from './client.ts';
import { type Entrance, openEntrance } from './entrance.ts';
import { type Southbound, serveSouthbound } from './server.ts';
import { protocolVersion } from './service.ts';
import { loopbackCertificate, silentLog, until } from './testing.ts';
import { deviceToken } from './tokens.ts';

const tokenSecret = Buffer.alloc(32, 5);
const certificate = loopbackCertificate();
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (let end = ending.pop(); end !== undefined; end = ending.pop()) await end();
});

const entrance = async (listen = '127.0.0.1:0'): Promise<Entrance & { readonly address: string }> => {
  const opened = await openEntrance({ listen: [listen], tls: await certificate, tokenSecret, log: silentLog });
  ending.push(() => opened.close());
  return Object.assign(opened, { address: opened.addresses[0] ?? '' });
};

const lead = (at: Entrance, term: number): Southbound => {
  const served = serveSouthbound({ goal: new GoalState(), tokenSecret, log: silentLog, term }, at);
  ending.push(() => served.close());
  return served;
};

interface Heard {
  readonly client: SouthboundClient;
  readonly welcomes: { readonly server: string; readonly term: number }[];
  readonly lost: string[];
}

const agent = async (server: string, device = 'leaf-1'): Promise<Heard> => {
  const [welcomes, lost]: [Heard['welcomes'], string[]] = [[], []];
  const handlers: ClientHandlers = {
    hello: () => create(HelloSchema, { protocol: protocolVersion, device }),
    onWelcome: ({ term }, from) => welcomes.push({ server: from, term: Number(term) }),
    onTransaction: () => {},
    onIsolate: () => {},
    onDigestRequest: () => {},
    onDisconnected: (reason) => lost.push(reason),
  };
  const { certificate: ca } = await certificate;
  const client = connectSouthbound({ server, ca, token: () => deviceToken(tokenSecret, device), handlers, log: silentLog });
  ending.push(() => client.close());
  return { client, welcomes, lost };
};

test('a server that does not lead sends the agent to the one who does', async () => {
  const [a, b] = [await entrance(), await entrance()];
  lead(b, 7);
  a.setLeader({ address: b.address, version: '1' });
  const { welcomes, lost } = await agent(a.address);
  await until('the agent is served', () => welcomes.length === 1);
  assert.deepEqual(welcomes, [{ server: b.address, term: 7 }]);
  assert.deepEqual(lost, [`status 14: this server does not lead, ${b.address} does`]);
});

test('while nobody leads the agent waits, and is served by the server it waits at without dialling again', async () => {
  const a = await entrance();
  const { welcomes, lost } = await agent(a.address);
  await until('the agent waits', () => a.waiting() === 1);
  const served = lead(a, 3);
  await until('the agent is served', () => welcomes.length === 1);
  assert.deepEqual([lost, served.connected()], [[], ['leaf-1']]);
});

test('an agent that has just been with the leader in vain waits instead of running in circles', async () => {
  const [a, b] = [await entrance(), await entrance()];
  const gone = await openEntrance({ listen: ['127.0.0.1:0'], tls: await certificate, tokenSecret, log: silentLog });
  const [dead = ''] = gone.addresses;
  await gone.close();
  for (const each of [a, b]) each.setLeader({ address: dead, version: '1' });
  const { welcomes, lost } = await agent(`${dead},${a.address},${b.address}`);
  await until('the agent waits', () => a.waiting() + b.waiting() === 1);
  assert.ok(lost.length <= 3, lost.join('; '));
  lead(b, 9);
  a.setLeader({ address: b.address, version: '2' });
  await until('the agent is served', () => welcomes.length === 1);
  assert.deepEqual(welcomes, [{ server: b.address, term: 9 }]);
});

test('a leader that loses office lets its agents go, who find the next one', async () => {
  const [a, b] = [await entrance(), await entrance()];
  const first = lead(a, 1);
  b.setLeader({ address: a.address, version: '1' });
  const { welcomes } = await agent(`${a.address},${b.address}`);
  await until('the first serves', () => welcomes.length === 1);
  await first.close();
  lead(b, 2);
  a.setLeader({ address: b.address, version: '2' });
  await until('the second serves', () => welcomes.length === 2);
  assert.deepEqual(welcomes.map(({ term }) => term), [1, 2]);
});

test('nobody waits without a token', async () => {
  const a = await entrance();
  const { certificate: ca } = await certificate;
  const lost: string[] = [];
  const handlers: ClientHandlers = {
    hello: () => create(HelloSchema, { protocol: protocolVersion, device: 'leaf-1' }),
    onWelcome: () => {},
    onTransaction: () => {},
    onIsolate: () => {},
    onDigestRequest: () => {},
    onDisconnected: (reason) => lost.push(reason),
  };
  const client = connectSouthbound({ server: a.address, ca, token: () => 'leaf-1.wrong', handlers, log: silentLog });
  ending.push(() => client.close());
  await until('it is refused', () => lost.length > 0);
  assert.match(lost[0] ?? '', /^status 16: the token is not valid/);
  assert.equal(a.waiting(), 0);
});
