/** A real goal-state service on loopback for tests of simulated devices, with what it heard of them. */
import type { Row, RowId } from '../goal/rows.ts';
import { GoalState } from '../goal/state.ts';
import type { Vni } from '../net/brand.ts';
import type { ScopeResult } from '../southbound/events.ts';
import { type Southbound, startSouthbound } from '../southbound/server.ts';
import { type Certificate, loopbackCertificate, silentLog } from '../southbound/testing.ts';
import { deviceToken } from '../southbound/tokens.ts';
import { Fleet, type FleetOptions } from './fleet.ts';

export const secret = Buffer.alloc(32, 5);
let certificate: Promise<Certificate> | undefined;

export const vrf = (name: string, description = ''): Row => ({
  table: 'vrf',
  key: name,
  value: { name, vni: 5001 as Vni, description },
});
export const member = (scope: string): Row => ({ table: 'member', key: scope, value: { scope } });

export class Stage {
  readonly goal = new GoalState();
  readonly results: (ScopeResult & { readonly device: string })[] = [];
  readonly epochs = new Map<string, Set<string>>();
  readonly fleets: Fleet[] = [];
  #southbound: Southbound | undefined;

  get southbound(): Southbound {
    if (this.#southbound === undefined) throw new Error('the stage is not open');
    return this.#southbound;
  }

  get address(): string {
    return this.southbound.addresses[0] ?? '';
  }

  /** Every device holds a row of its own and the two rows of `vpc/1`. */
  async open(devices: readonly string[]): Promise<void> {
    certificate ??= loopbackCertificate();
    const rows = (name: string): Row[] => [vrf(`own-${name}`), member('vpc/1')];
    this.goal.commit(devices.map((name) => ({ scope: `device/${name}`, upserts: rows(name), deletes: [] })));
    this.goal.commit([{ scope: 'vpc/1', upserts: [vrf('a'), vrf('b')], deletes: [] }]);
    this.#southbound = await startSouthbound({
      goal: this.goal,
      listen: ['127.0.0.1:0'],
      tls: await certificate,
      tokenSecret: secret,
      log: silentLog,
      patienceMilliseconds: 200,
      digestMilliseconds: 400,
      events: {
        onConnected: (device, { bootEpoch }) => void this.epochs.set(device, (this.epochs.get(device) ?? new Set()).add(bootEpoch)),
        onResult: (device, result) => void this.results.push({ device, ...result }),
      },
    });
    this.#southbound.setDevices(devices);
  }

  async fleet(devices: readonly string[], options: Partial<FleetOptions> = {}): Promise<Fleet> {
    certificate ??= loopbackCertificate();
    const fleet = new Fleet({
      server: this.address,
      ca: (await certificate).certificate,
      token: (device) => deviceToken(secret, device),
      devices,
      driftMilliseconds: 30,
      backoff: { first: 5, longest: 20 },
      ...options,
    });
    this.fleets.push(fleet);
    await fleet.start();
    return fleet;
  }

  write(scope: string, upserts: readonly Row[], deletes: readonly RowId[] = []): void {
    this.southbound.publish(this.goal.commit([{ scope, upserts, deletes }]));
  }

  async close(): Promise<void> {
    await Promise.all(this.fleets.map((fleet) => fleet.close()));
    await this.#southbound?.close();
  }
}
