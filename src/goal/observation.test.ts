import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ReportSchema } from './gen/heddle/agent/v1/agent_pb.ts';
import type { Address, Mac, Vni } from '../net/brand.ts';
import { type Observation, messagesOf, observationOf } from './observation.ts';

const overTheWire = (observation: Observation): Observation | undefined => {
  const report = create(ReportSchema, messagesOf(observation));
  return observationOf(fromBinary(ReportSchema, toBinary(ReportSchema, report)));
};

const neighbour = { port: 'E1/1', system: 'spine-1', remotePort: 'E1/3' };
const lease = { segment: 1001 as Vni, mac: '02:00:00:00:00:01' as Mac, address: '10.1.0.9' as Address, hostname: 'web' };

describe('what a device sees, in a report', () => {
  test('arrives as it was, each list of its own', () => {
    for (const seen of [{ neighbours: [neighbour] }, { leases: [lease] }, { neighbours: [neighbour], leases: [lease] }]) {
      assert.deepEqual(overTheWire(seen), seen);
    }
  });

  test('sessions of the fabric arrive as they were, also when there are none', () => {
    for (const underlay of [[{ port: 'E1/49', established: true }, { port: 'E1/50', established: false }], []]) assert.deepEqual(overTheWire({ underlay }), { underlay });
  });

  test('an empty list says that there is nothing any more, no list that nothing is said', () => {
    assert.deepEqual(overTheWire({ neighbours: [] }), { neighbours: [] });
    assert.deepEqual(overTheWire({ leases: [] }), { leases: [] });
    assert.equal(overTheWire({}), undefined);
  });

  test('a lease that cannot be one is left out', () => {
    const bad = [{ ...lease, mac: 'not a mac' as Mac }, { ...lease, address: '10.1.0.999' as Address }, { ...lease, segment: 0 as Vni }];
    assert.deepEqual(overTheWire({ leases: [...bad, lease] }), { leases: [lease] });
  });
});
