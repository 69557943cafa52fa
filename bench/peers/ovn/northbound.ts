/**
 * What the benchmark does with OVN's databases: load VPCs, stand in for the chassis, and commit a change and wait until it
 * is in the southbound database, as `ovn-nbctl --wait=sb` does.
 */
import { isJsonObject, objectOr } from '../../../src/kit/json.ts';
import type { Connection } from '../ovsdb/connection.ts';
import { insert, set, uuid, uuidOf, type Operation, type Result } from '../ovsdb/rows.ts';
import { vpcOf, type Rule } from './topology.ts';

const northbound = 'OVN_Northbound';
const southbound = 'OVN_Southbound';
const vpcsPerTransaction = 20;
const rowsPerTransaction = 2000;

/** A step of the count that northd copies once it has committed everything up to it. */
const raise: Operation = { op: 'mutate', table: 'NB_Global', where: [], mutations: [['nb_cfg', '+=', 1]] };
const readSettings: Operation = { op: 'select', table: 'NB_Global', where: [], columns: ['nb_cfg', 'sb_cfg'] };

export interface Northbound {
  /** Commits; the results, one an operation. */
  commit(operations: readonly Operation[]): Promise<Result[]>;
  /** Commits and waits until northd has committed what follows from it. */
  translate(operations: readonly Operation[]): Promise<Result[]>;
}

/** Fails a wait when the connection is lost or the signal comes. */
export const openNorthbound = async (connection: Connection, signal: AbortSignal): Promise<Northbound> => {
  let reached = 0;
  let wake = (): void => {};
  connection.listen((method, params) => {
    if (method !== 'update') return;
    reached = Math.max(reached, translatedUpTo(params));
    wake();
  });
  await connection.call('monitor', [northbound, 'progress', { NB_Global: [{ columns: ['sb_cfg'] }] }]);
  const untilReached = (target: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(error);
      const aborted = (): void => fail(signal.reason);
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      connection.closed.then(fail, fail);
      wake = () => {
        if (reached < target) return;
        signal.removeEventListener('abort', aborted);
        resolve();
      };
      wake();
    });
  const commit = (operations: readonly Operation[]): Promise<Result[]> => connection.transact(northbound, operations);
  return {
    commit,
    translate: async (operations) => {
      const results = await commit([...operations, raise, readSettings]);
      const [row] = rowsOf(results.at(-1));
      await untilReached(Number(row?.nb_cfg));
      return results.slice(0, operations.length);
    },
  };
};

/** The `sb_cfg` of an update notification (RFC 7047 §4.1.6), or 0. */
const translatedUpTo = (params: unknown): number => {
  const tables: unknown = Array.isArray(params) ? params[1] : undefined;
  const changes = Object.values(objectOr(objectOr(tables).NB_Global));
  return Math.max(0, ...changes.map((change) => Number(objectOr(objectOr(change).new).sb_cfg ?? 0)));
};

const rowsOf = (result: Result | undefined): Record<string, unknown>[] => (Array.isArray(result?.rows) ? result.rows.filter(isJsonObject) : []);

/** Loads VPCs 0 to n - 1, several a transaction, and waits until they are translated. */
export const loadVpcs = async ({ commit, translate }: Northbound, vpcs: number, rules: (vpc: number) => readonly Rule[]): Promise<void> => {
  for (let first = 0; first < vpcs; first += vpcsPerTransaction) {
    const operations = Array.from({ length: Math.min(vpcsPerTransaction, vpcs - first) }, (_, number) => vpcOf(first + number, rules(first + number)));
    await commit(operations.flat());
  }
  await translate([]);
};

/** Ids of all rows by name. */
export const rowIds = async (connection: Connection, table: string): Promise<Map<string, string>> => {
  const [result] = await connection.transact(northbound, [{ op: 'select', table, where: [], columns: ['_uuid', 'name'] }]);
  return new Map(rowsOf(result).map((row) => [String(row.name), uuidOf(row['_uuid'])]));
};

/** Number of rows of a southbound table. */
export const countSouthbound = async (connection: Connection, table: string): Promise<number> => {
  const results = await connection.transact(southbound, [{ op: 'select', table, where: [], columns: ['_uuid'] }]);
  return rowsOf(results[0]).length;
};

/** Adds chassis and puts the servers' ports on them in turn: what an ovn-controller on each of them would do. */
export const bindPorts = async (connection: Connection, chassis: number): Promise<number> => {
  const added = await inBatches(connection, chassisOf(chassis));
  const ids = added.filter((_, index) => index % 2 === 1).map(({ uuid: id }) => uuidOf(id));
  const [result] = await connection.transact(southbound, [{ op: 'select', table: 'Port_Binding', where: [['type', '==', '']], columns: ['_uuid'] }]);
  const ports = rowsOf(result).map((row) => uuidOf(row['_uuid']));
  const updates = ports.map((port, index): Operation => {
    const row = { chassis: uuid(ids[index % ids.length] ?? ''), up: true };
    return { op: 'update', table: 'Port_Binding', where: [['_uuid', '==', uuid(port)]], row };
  });
  await inBatches(connection, updates);
  return ports.length;
};

/** Two rows each, which one transaction must hold both of: the tunnel's end, then the chassis. */
const chassisOf = (count: number): Operation[] =>
  Array.from({ length: count }, (_, number) => {
    const name = `chassis-${number}`;
    const encap = `encap_${number}`;
    return [
      insert('Encap', { type: 'geneve', ip: `172.16.${number >> 8}.${number & 255}`, chassis_name: name }, encap),
      insert('Chassis', { name, hostname: name, encaps: set([['named-uuid', encap]]) }),
    ];
  }).flat();

const inBatches = async (connection: Connection, operations: readonly Operation[]): Promise<Result[]> => {
  const results: Result[] = [];
  for (let first = 0; first < operations.length; first += rowsPerTransaction) {
    results.push(...(await connection.transact(southbound, operations.slice(first, first + rowsPerTransaction))));
  }
  return results;
};
