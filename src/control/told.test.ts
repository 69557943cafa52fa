/** What `kubectl describe` and `kubectl get events` show of a life: accepted, programmed, drift put back, the device lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceClient } from '../api/client.ts';
import type { Resource } from '../api/object.ts';
import { attachment, smallFabric, vpc } from '../compile/fixture.ts';
import { until } from '../kit/testing.ts';
import { buildHouse, cluster, createAll, tenant, waitFor } from './testing.ts';

const red = vpc('red', { front: '10.1.0.0/24' });
const a1 = attachment('a1', { vpc: 'red', subnet: 'front', connection: 'a1--leaf-1' });

interface EventObject extends Resource {
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string; readonly namespace?: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
}

/** What `kubectl describe` selects by: kind, name, namespace and uid. */
const told = async (client: ResourceClient, about: Resource): Promise<Map<string, string>> => {
  const { name, namespace, uid } = about.metadata;
  const events = (await client.list('Event')).items.map((event) => event as EventObject);
  const own = events.filter(({ involvedObject: of }) => of.kind === about.kind && of.name === name && of.namespace === namespace && of.uid === uid);
  return new Map(own.map(({ type, reason, message }) => [`${type} ${reason}`, message]));
};

test('events tell of an object and of a device what a user wants to know', async (t) => {
  const { client, fleet, controller, stop } = await buildHouse({ devices: ['spine-1', 'leaf-1', 'leaf-2'] });
  t.after(stop);
  await createAll(client, [...smallFabric(), red, a1]);
  const attached = await waitFor(client, tenant('VPCAttachment', 'a1'), 'Programmed', 'True');
  const leaf = await client.get(cluster('Switch', 'leaf-1'));
  const hears = (about: Resource, ...reasons: string[]) =>
    until(reasons.join(), async () => {
      const events = await told(client, about);
      return reasons.every((reason) => events.has(reason)) ? events : undefined;
    });
  const ofAttachment = await hears(attached, 'Normal Accepted', 'Normal Programmed');
  assert.match(ofAttachment.get('Normal Programmed') ?? '', /^generation 1 runs on \d+ of \d+ devices?/);
  controller.events.onReport?.('leaf-1', { driftRepaired: 2, rowsWritten: 9, drifted: ['host/a', 'attachment/E1/1'] });
  const drifted = await hears(leaf, 'Warning DriftRepaired');
  assert.match(drifted.get('Warning DriftRepaired') ?? '', /something else changed the device.*host\/a, attachment\/E1\/1/);
  fleet.disconnect('leaf-1');
  const lost = await hears(leaf, 'Warning DeviceLost');
  assert.match(lost.get('Warning DeviceLost') ?? '', /goes on with its last goal state/);
});
