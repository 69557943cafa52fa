/** Arbitrary rows and commits for property tests; every table occurs, with every optional member present and absent. */
import * as fc from 'fast-check';
import type { Address, Asn, InterfaceAddress, Mac, Prefix, Vni } from '../net/brand.ts';
import { type Row, type TableName, type Tables, rowId } from './rows.ts';

const text = fc.string({ maxLength: 8, unit: 'grapheme' });
const count = fc.integer({ min: 0, max: 0xffff_ffff });
const vni = fc.integer({ min: 0, max: 0xff_ffff }).map((value) => value as Vni);
const asn = count.map((value) => value as Asn);
const address = text.map((value) => value as Address);
const interfaceAddress = text.map((value) => value as InterfaceAddress);
const prefix = text.map((value) => value as Prefix);
const mac = text.map((value) => value as Mac);
const list = <Value>(element: fc.Arbitrary<Value>): fc.Arbitrary<Value[]> => fc.array(element, { maxLength: 3 });

/** A record of which the named members may be absent; absent, not undefined. */
const record = <Model extends object, Required extends keyof Model>(
  model: { [Name in keyof Model]: fc.Arbitrary<Model[Name]> },
  requiredKeys: Required[],
): fc.Arbitrary<Model> =>
  // fast-check says the same in types that do not survive a generic model.
  fc.record(model, { requiredKeys }) as fc.Arbitrary<Model>;

const values: { readonly [Table in TableName]: fc.Arbitrary<Tables[Table]> } = {
  system: fc.record({ hostname: text, role: fc.constantFrom('spine', 'leaf', 'border'), routerId: address }),
  port: record(
    { interface: text, role: fc.constantFrom('fabric', 'server'), mtu: count, peer: text, address: interfaceAddress, bundle: text },
    ['interface', 'role', 'mtu', 'peer'],
  ),
  bgp: fc.record({ asn, routerId: address, networks: list(prefix), advertiseVnis: fc.boolean() }),
  bgpPeer: record({ port: text, address, bfd: fc.record({ intervalMilliseconds: count, multiplier: count }) }, ['port']),
  vtep: fc.record({ address, anycastMac: mac }),
  member: fc.record({ scope: text }),
  vrf: fc.record({ name: text, vni, description: text }),
  segment: record(
    {
      vni,
      vrf: text,
      gateways: list(interfaceAddress),
      mtu: count,
      description: text,
      dhcp: fc.record({ leaseSeconds: count, dnsServers: list(address) }),
    },
    ['vni', 'vrf', 'gateways', 'mtu', 'description'],
  ),
  attachment: fc.record({ port: text, segment: vni }),
  host: fc.record({ segment: vni, address, mac, port: text, hostname: text }),
  leak: fc.record({
    vrf: text,
    vni,
    peerVrf: text,
    peerVni: vni,
    pairings: list(fc.record({ local: list(prefix), remote: list(prefix) })),
  }),
  mapping: record({ segment: vni, address, mac, vtep: address, vni }, ['segment', 'address', 'mac', 'vtep']),
};

/** Cloned, because fast-check's records have no prototype and decoded rows have one. */
const rowOf = <Table extends TableName>(table: Table, key: fc.Arbitrary<string>): fc.Arbitrary<Row> =>
  fc.record({ table: fc.constant(table), key, value: values[table] }).map((row) => structuredClone(row) as Row);

/** Keys come from a small set, so that rows meet. */
const keys = fc.constantFrom('', 'a', 'b', 'E1/1', 'ü/x');

export const anyRow: fc.Arbitrary<Row> = fc.oneof(...Object.keys(values).map((table) => rowOf(table as TableName, keys)));

/** Rows with distinct ids. */
export const anyRows = fc.uniqueArray(anyRow, { maxLength: 12, selector: rowId });
