/** Documents of another system with one fault each, through its importer and what is said without a server. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import type { Resource } from '../api/object.ts';
import { convertHedgehog } from '../convert/hedgehog/convert.ts';
import { crossCheck } from './crosscheck.ts';
import { checkSources } from './offline.ts';
import type { Source } from './source.ts';

const folder = fileURLToPath(new URL('../../testdata/import/hedgehog/', import.meta.url));
const texts = readdirSync(folder).sort().map((file) => readFileSync(`${folder}${file}`, 'utf8'));

const sourceOf = (object: Resource): Source => ({ object, locate: () => `${object.kind}/${object.metadata.name}` });

/** What is said when `before` in the documents is `after`: by the importer, of each object, and of all together. */
const said = (before = '', after = ''): string[] => {
  assert.ok(before === '' || texts.some((text) => text.includes(before)), before);
  const documents = texts.flatMap((text) => parseAllDocuments(text.replace(before, after)).map((document) => document.toJS() as Resource));
  const { objects, notes } = convertHedgehog(documents.map((object) => ({ object, locate: () => '' })));
  const sources = objects.map(sourceOf);
  const own = checkSources(sources);
  const found = [...own, ...(own.length === 0 ? crossCheck(sources).faults : [])];
  const refused = notes.filter(({ outcome }) => outcome === 'error').map(({ subject, path, message }) => `${subject}: ${path}: ${message}`);
  return [...refused, ...found.map(({ place, finding: { path, message, code } }) => `${place}: ${path}: ${message} (${code})`)];
};

describe('imported documents', () => {
  it('are without a fault as they are', () => assert.deepEqual(said(), []));

  const cases: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['a server at leaves of no common group', 'switch: {port: leaf-02/E1/1}', 'switch: {port: leaf-03/E1/1}', [
      'Connection/server-01--eslag--leaf-01--leaf-02: spec.links[1].ends[1]: Switch "leaf-03" is in no redundancy group; give all leaves of the server the same spec.group (NoGroup)',
    ]],
    ['a port that is used', 'switch: {port: leaf-03/E1/9}', 'switch: {port: leaf-03/E1/52/2}', [
      'Connection/server-04--unbundled--leaf-03: spec.links[0].ends[1]: port "leaf-03/E1/52/2" is used by the older Connection "server-02--bundled--leaf-03"; use another port or delete that connection (PortInUse)',
    ]],
    ['another name of a lane that is used', 'switch: {port: leaf-03/E1/9}', 'switch: {port: leaf-03/E1/52}', [
      'Connection/server-04--unbundled--leaf-03: spec.links[0].ends[1]: port "leaf-03/E1/52" is used by the older Connection "server-02--bundled--leaf-03"; use another port or delete that connection (PortInUse)',
    ]],
    ['two leaves with one ASN', 'asn: 65102', 'asn: 65101', [
      'Switch/leaf-02: spec.asn: "65101" is allocated to Switch "leaf-01"; choose another value or delete that one first (PinInUse)',
    ]],
    ['lanes of a port that is not broken out', 'portBreakouts: {E1/52: 4x25G}, ', '', [
      'Connection/server-02--bundled--leaf-03: spec.links[0].ends[1]: Switch "leaf-03" has no port "E1/52/1"; its profile "dell-s5248f-on" has "E1/1", "E1/5" … "E1/56" (UnknownPort)',
      'Connection/server-02--bundled--leaf-03: spec.links[1].ends[1]: Switch "leaf-03" has no port "E1/52/2"; its profile "dell-s5248f-on" has "E1/1", "E1/5" … "E1/56" (UnknownPort)',
    ]],
    ['a subnet with host bits', 'subnet: 10.40.10.0/24\n      vlan: 1210', 'subnet: 10.40.10.1/24\n      vlan: 1210', [
      'VPC/app: spec.subnets.front.cidr: "10.40.10.1/24" has host bits set; the prefix is "10.40.10.0/24" (HostBitsSet)',
      'VPC/app: spec.staticRoutes[0].nextHops[0]: "10.40.10.250" is in no subnet of the VPC; name the address of a server inside (OutsideSubnet)',
    ]],
    ['a range up to the broadcast address', 'end: 10.40.10.199', 'end: 10.40.10.255', [
      'VPC/app: spec.subnets.front.dhcp.range.to: "10.40.10.255" is the broadcast address of "10.40.10.0/24"; choose one of 10.40.10.1 to 10.40.10.254 (NotAHost)',
    ]],
    ['an attachment to a port of an External', 'subnet: app/front, connection: server-01--eslag--leaf-01--leaf-02', 'subnet: app/front, connection: leaf-03--external--edge', [
      'VPCAttachment/server-01--app-front: spec.connection: Connection "leaf-03--external--edge" leads to an External; name one between a server and a leaf (NotAServerConnection)',
    ]],
    ['a peering of two address spaces', '    ops: {}', '    app-b: {}', [
      'VPC/ops: spec.subnets.relayed.dhcp.relay.vpc: no VPCPeering lets subnet "relayed" reach "10.40.10.5" in VPC "app"; peer the two (RelayUnreachable)',
      'VPCPeering/app--ops: spec.permit[0]: VPCs "app" and "app-b" are of different AddressSpaces, "default" and "lab-b"; only VPCs of one space can be peered (AddressSpaceMismatch)',
      'VPCPeering/app--ops: spec.permit[0]: "10.40.10.0/24" of VPC "app" overlaps "10.40.10.0/24" of VPC "app-b"; leave one of the subnets out (PeeringOverlap)',
    ]],
    ['a neighbor outside the network of the port', 'ip: 198.18.31.2', 'ip: 198.18.32.2', [
      'External/edge-bgp: spec.attachments[0].neighbor.address: "198.18.32.2" is not in "198.18.31.0/30", the network of the own address; correct one of them (OutsideNetwork)',
    ]],
    ['a port of a gateway peering that is no text', 'as: "443"', 'as: 443', [
      'GatewayPeering/app--isp: spec.peering.app.expose[1].nat.portForward.ports[0].as: must be text, not 443',
    ]],
  ];
  for (const [what, before, after, expected] of cases) it(`with ${what} are refused`, () => assert.deepEqual(said(before, after), expected));
});

test('what files name and is not in them may be on a server, and is told where they are of a whole network', () => {
  const attachment = { apiVersion: 'heddle.dev/v1alpha1', kind: 'VPCAttachment', metadata: { name: 'a' }, spec: { vpc: 'red', connection: 'c' } };
  assert.deepEqual(crossCheck([sourceOf(attachment)]), { faults: [], warnings: [] });
  const fabric = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Fabric', metadata: { name: 'default' }, spec: {} };
  const { faults, warnings } = crossCheck([sourceOf(attachment), sourceOf(fabric)]);
  assert.deepEqual(faults, []);
  assert.deepEqual(warnings.map(({ finding: { code } }) => code).sort(), ['UnknownConnection', 'UnknownVPC']);
});
