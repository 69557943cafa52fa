/** Fills the tables of one device in the order of age. Pure arithmetic: it knows no object, only what each needs. */
import { capacityTables, type Capacity, type CapacityTable } from '../../api/capacity.ts';
import { getOrMake } from '../../kit/maps.ts';
import { byText } from '../../kit/order.ts';
import type { Consumer, Join, Load, Network, Presence, Use } from './consumers.ts';

export interface Misfit {
  readonly consumer: Consumer;
  readonly table: CapacityTable;
  /** Entries in use when it came, how many it needs beside them, and how many there are. */
  readonly used: number;
  readonly needs: number;
  readonly of: number;
}

/** Those that do not fit. @param ownUse what a network needs by itself */
export const misfits = (consumers: readonly Consumer[], capacity: Capacity, ownUse: (network: Network) => Use): readonly Misfit[] => {
  const device = new Device(capacity, ownUse);
  const inOrder = consumers.toSorted((one, other) => byText(one.age, other.age) || byText(one.key, other.key));
  return inOrder.flatMap((consumer) => device.take(consumer) ?? []);
};

class Device {
  readonly #capacity: Capacity;
  readonly #ownUse: (network: Network) => Use;
  readonly #used = new Map<CapacityTable, number>();
  readonly #present = new Set<Network>();
  readonly #held = new Set<Network>();
  readonly #segments = new Set<number>();
  /** Of what was taken, whether the network is held or not. */
  readonly #joins = new Map<Network, Set<Network>>();
  readonly #loads = new Map<Network, Use[]>();

  constructor(capacity: Capacity, ownUse: (network: Network) => Use) {
    this.#capacity = capacity;
    this.#ownUse = ownUse;
  }

  /** Takes it, unless there is no room. */
  take(consumer: Consumer): Misfit | undefined {
    const needs = sum('ends' in consumer ? this.#ofJoin(consumer) : 'use' in consumer ? this.#ofLoad(consumer) : this.#ofPresence(consumer));
    for (const table of capacityTables) {
      const [of, used, more] = [this.#capacity[table], this.#used.get(table) ?? 0, needs[table] ?? 0];
      // What is the operator's is there anyway.
      if (of !== undefined && more > 0 && used + more > of && consumer.kind !== 'External') return { consumer, table, used, needs: more, of };
    }
    for (const table of capacityTables) this.#used.set(table, (this.#used.get(table) ?? 0) + (needs[table] ?? 0));
    if ('ends' in consumer) this.#join(consumer);
    else if ('use' in consumer) getOrMake(this.#loads, consumer.network, () => []).push(consumer.use);
    else this.#appear(consumer);
    return undefined;
  }

  #ofPresence({ network, segment, hosts }: Presence): Use[] {
    const isNew = segment !== undefined && !this.#segments.has(segment.vni);
    const local: Use = { segments: isNew ? 1 : 0, hosts, routes: isNew ? segment.gateways : 0 };
    return [local, ...this.#comingWith(network).flatMap((each) => this.#loadsOf(each))];
  }

  #ofJoin({ ends: [left, right], routes: [ofLeft, ofRight] }: Join): Use[] {
    const coming = [...(this.#present.has(left) ? [right] : []), ...(this.#present.has(right) ? [left] : [])].filter((each) => !this.#held.has(each));
    const here = (network: Network): boolean => this.#held.has(network) || coming.includes(network);
    return [
      ...coming.flatMap((each) => this.#loadsOf(each)),
      { routes: (here(left) ? ofLeft : 0) + (here(right) ? ofRight : 0) },
    ];
  }

  #ofLoad({ network, use }: Load): Use[] {
    return this.#held.has(network) ? [use] : [];
  }

  #comingWith(network: Network): Network[] {
    return [network, ...(this.#joins.get(network) ?? [])].filter((each) => !this.#held.has(each));
  }

  #loadsOf(network: Network): Use[] {
    return [this.#ownUse(network), ...(this.#loads.get(network) ?? [])];
  }

  #appear({ network, segment }: Presence): void {
    for (const each of this.#comingWith(network)) this.#held.add(each);
    this.#present.add(network);
    if (segment !== undefined) this.#segments.add(segment.vni);
  }

  #join({ ends: [left, right], routes: [ofLeft, ofRight] }: Join): void {
    for (const [one, other, routes] of [[left, right, ofLeft], [right, left, ofRight]] as const) {
      getOrMake(this.#joins, one, () => new Set<Network>()).add(other);
      getOrMake(this.#loads, one, () => []).push({ routes });
      if (this.#present.has(one)) this.#held.add(other);
    }
  }
}

/** Table by table. */
export const sum = (uses: readonly Use[]): Use => {
  const total: { [Table in CapacityTable]?: number } = {};
  for (const use of uses) for (const table of capacityTables) total[table] = (total[table] ?? 0) + (use[table] ?? 0);
  return total;
};
