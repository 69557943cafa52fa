import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Command } from 'commander';
import { addAccessOptions, apiAccess, type AccessOptions } from './accessoptions.ts';

const parsed = (...words: string[]): AccessOptions => {
  const command = addAccessOptions(new Command()).exitOverride().configureOutput({ writeErr: () => undefined });
  return command.parse(words, { from: 'user' }).opts<AccessOptions>();
};

describe('options of access', () => {
  it('say how much is served at once, and half of it to one client unless told otherwise', () => {
    assert.deepEqual(apiAccess(parsed()).fairness, { seats: 128, seatsOfOne: 64 });
    assert.deepEqual(apiAccess(parsed('--max-requests', '9', '--max-waiting-of-one', '0', '--max-connections', '50')), { fairness: { seats: 9, seatsOfOne: 5, queueOfOne: 0 }, limits: { connections: 50 } });
    assert.throws(() => apiAccess(parsed('--max-requests', '4', '--max-requests-of-one', '5')), /one client cannot have 5 of 4 requests: lower --max-requests-of-one or raise --max-requests/);
    for (const wrong of ['0', '-1', '1.5', 'many', '']) assert.throws(() => parsed('--max-requests', wrong), /it takes a whole number from 1/, wrong);
  });

  it('say how large audit files grow and how many are kept, in megabytes', () => {
    assert.equal(apiAccess(parsed('--audit-log', 'a')).auditRotation, undefined);
    assert.deepEqual(apiAccess(parsed('--audit-log', 'a', '--audit-log-max-size', '3', '--audit-log-max-backups', '2')).auditRotation, { bytes: 3_000_000, backups: 2 });
    assert.throws(() => apiAccess(parsed('--audit-log-max-size', '3')), /give --audit-log and --audit-log-max-size/);
    assert.throws(() => apiAccess(parsed('--audit-log', 'a', '--audit-log-max-backups', '3')), /give --audit-log and --audit-log-max-size/);
  });

  it('name a provider whole or not at all', () => {
    assert.throws(() => apiAccess(parsed('--oidc-issuer', 'https://a')), /needs both --oidc-issuer and --oidc-client-id/);
    assert.deepEqual(apiAccess(parsed('--oidc-issuer', 'https://a', '--oidc-client-id', 'b')).oidc, { issuer: 'https://a', clientId: 'b' });
  });
});
