import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '../api/object.ts';
import * as make from '../compile/fixture.ts';
import type { Session } from '../goal/observation.ts';
import { until } from '../kit/testing.ts';
import type { Address } from '../net/brand.ts';
import { buildHouse, cluster, conditionOf, createAll, waitFor, type House } from './testing.ts';

const border = make.switchOf('border-1', 'border');
const cable = make.connection('up', [['internet/p1', 'border-1/E1/1']]);
const attachments = [
  { connection: 'up', vlan: 7, address: '192.0.2.1/31', neighbor: { address: '192.0.2.0', asn: 65010 } },
  { connection: 'up', vlan: 8, address: '192.0.2.3/31', neighbor: { address: '192.0.2.2', asn: 65010 } },
];
const internet = make.object('External', 'internet', { bgp: {}, attachments });
const ref = cluster('External', 'internet');

const raise = async (): Promise<{ readonly house: House; readonly vrf: string }> => {
  const house = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2', 'border-1'] });
  await createAll(house.client, [...make.smallFabric(), border, cable, internet]);
  const object = await waitFor(house.client, ref, 'Programmed', 'True', 'Programmed');
  return { house, vrf: `vrf${(object.status as { vni: number }).vni}` };
};

const established = async ({ client }: House): Promise<string> => {
  const condition = conditionOf(await client.get(ref), 'Established');
  return `${condition?.status} ${condition?.reason}: ${condition?.message}`;
};
const becomes = (house: House, expected: RegExp): Promise<unknown> => until(`${expected}`, async () => expected.test(await established(house)));
const session = (vrf: string, address: string, state: Session['state'], believed = 0): Session => ({ vrf, address: address as Address, state, believed });
const tell = ({ controller }: House, device: string, ...sessions: Session[]): void => controller.events.onObservation?.(device, { sessions });
const eventsOf = async ({ client }: House): Promise<string[]> => {
  const { items } = await client.list('Event');
  const about = items.map((item) => item as Resource & { readonly involvedObject: { readonly kind: string }; readonly reason: string });
  return about.filter(({ involvedObject }) => involvedObject.kind === 'External').map(({ reason }) => reason).filter((reason) => /Session|Established/.test(reason));
};

test('sessions with routers outside are in the status of their External, and their end is told', async (t) => {
  const { house, vrf } = await raise();
  t.after(() => house.stop());
  await becomes(house, /^Unknown NotHeard: nothing was heard yet of the session of "border-1" with "192\.0\.2\.0", "border-1" with "192\.0\.2\.2"$/);
  tell(house, 'border-1', session(vrf, '192.0.2.0', 'Connect'), session(vrf, '192.0.2.2', 'Established', 3));
  await becomes(house, /^False SessionDown: no session of "border-1" with "192\.0\.2\.0"$/);
  tell(house, 'border-1', session(vrf, '192.0.2.0', 'Established', 1), session(vrf, '192.0.2.2', 'Established', 3));
  await becomes(house, /^True Established: all 2 sessions are established$/);
  assert.deepEqual(((await house.client.get(ref)).status as { sessions: unknown }).sessions, [
    { switch: 'border-1', neighbor: '192.0.2.0', state: 'Established', believed: 1 },
    { switch: 'border-1', neighbor: '192.0.2.2', state: 'Established', believed: 3 },
  ]);
  tell(house, 'border-1', session(vrf, '192.0.2.0', 'Idle'), session(vrf, '192.0.2.2', 'Established', 3));
  await becomes(house, /^False SessionDown/);
  await until('it is an event', async () => (await eventsOf(house)).includes('SessionDown'));
});

test('a session that is tried in vain is written once, whatever state it passes through', async (t) => {
  const { house, vrf } = await raise();
  t.after(() => house.stop());
  tell(house, 'border-1', session(vrf, '192.0.2.0', 'Connect'));
  await becomes(house, /^False SessionDown/);
  const written = t.mock.method(house.client, 'patchStatus');
  for (const state of ['Active', 'OpenSent', 'Idle'] as const) tell(house, 'border-1', session(vrf, '192.0.2.0', state));
  tell(house, 'leaf-1', session(vrf, '192.0.2.0', 'Established'), session('vrf9', '192.0.2.0', 'Established'));
  tell(house, 'border-1', session(vrf, '192.0.2.0', 'Connect'), session(vrf, '192.0.2.2', 'Established'));
  await until('the other is told', async () => ((await house.client.get(ref)).status as { sessions: { state?: string }[] }).sessions[1]?.state === 'Established');
  assert.equal(written.mock.calls.filter(({ arguments: [{ kind }] }) => kind === 'External').length, 1);
  assert.match(await established(house), /^False SessionDown: no session of "border-1" with "192\.0\.2\.0"$/);
});
