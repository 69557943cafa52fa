import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mac, Prefix } from './brand.ts';
import { stationAddress } from './eui64.ts';

test('a station address is the prefix and the MAC address with ff:fe in the middle and one bit inverted', () => {
  const address = (prefix: string, mac: string): string => stationAddress(prefix as Prefix, mac as Mac);
  // The example of RFC 4291 App. A.
  assert.equal(address('fd00:40:10::/64', '34:56:78:9a:bc:de'), 'fd00:40:10:0:3656:78ff:fe9a:bcde');
  assert.equal(address('2001:db8::/64', '02:00:00:00:00:01'), '2001:db8::ff:fe00:1');
});
