import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeletion, missingFrom, nextHopsOf } from './nexthopwatch.ts';

test('a router MAC that is deleted is told from other entries and other events', () => {
  const said = [
    '[nsid 3]Deleted 172.30.12.1 dev if5 lladdr 02:68:ac:1e:0c:01 extern_learn NOARP proto zebra ',
    'Deleted ::ffff:172.30.12.1 dev br5000 lladdr 02:68:ac:1e:0c:01 extern_learn NOARP proto zebra ',
    '[nsid 3]172.30.12.1 dev if5 lladdr 02:68:ac:1e:0c:01 extern_learn NOARP proto zebra ',
    '[nsid 3]Deleted 10.1.1.2 dev if7 lladdr 02:00:00:00:00:01 PERMANENT',
  ];
  assert.deepEqual(said.map(isDeletion), [true, true, false, false]);
});

test('next hops that routes have and neighbours lack are those to put back', () => {
  const routes = [
    '10.1.1.3 via 172.30.12.2 dev br5000 metric 20 onlink ',
    '10.1.2.0/24 metric 20 ',
    '\tnexthop via 172.30.12.2 dev br5000 weight 1 onlink ',
    '\tnexthop via 172.30.12.4 dev br5000 weight 1 onlink ',
    'fd00::/64 via ::ffff:172.30.12.2 dev br5000 metric 20 onlink pref medium',
    '192.0.2.0/24 via 198.51.100.1 dev swp7 metric 20 ',
  ].join('\n');
  const neighbours = '172.30.12.4 lladdr 02:68:ac:1e:0c:04 extern_learn NOARP proto zebra \n172.30.12.2 FAILED \n';
  assert.deepEqual(missingFrom(nextHopsOf(routes, 'br5000'), neighbours), ['172.30.12.2', '::ffff:172.30.12.2']);
});
