/** What Hedgehog's documents say wrongly is refused here too: by the import, by the checks of the API, or by the compiler. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { refOf, type Resource } from '../api/object.ts';
import { convertHedgehog } from '../convert/hedgehog/convert.ts';
import { CompileStage } from './compilestage.ts';

const folder = fileURLToPath(new URL('../../testdata/import/hedgehog/', import.meta.url));

const examples = (): Resource[] =>
  readdirSync(folder)
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8')).map((document) => document.toJS() as Resource));

/** Every fault of the documents, as `Kind/name path Code`, whoever finds it. */
const faultsOf = (documents: readonly Resource[]): string[] => {
  const { objects, notes } = convertHedgehog(documents.map((object) => ({ object, locate: (path) => path })));
  const noted = notes.filter(({ outcome }) => outcome === 'error').map(({ subject, path }) => `${subject} ${path} Import`);
  if (noted.length > 0) return noted;
  const stage = new CompileStage([]);
  const checked = objects.flatMap((object) => stage.check(object).map(({ path, code }) => `${object.kind}/${object.metadata.name} ${path} ${code}`));
  if (checked.length > 0) return checked;
  stage.apply(objects);
  return objects.flatMap((object) =>
    stage.findings(refOf(object)).flatMap(({ severity, path, code }) => (severity === 'warning' ? [] : [`${object.kind}/${object.metadata.name} ${path} ${code}`])));
};

/** Sets a member, by its path with dots, of one document. */
const set = (documents: readonly Resource[], kind: string, name: string, path: string, value: unknown): void => {
  const document = documents.find((each) => each.kind === kind && each.metadata.name === name);
  assert.ok(document !== undefined, `${kind}/${name}`);
  const members = path.split('.');
  const last = members.pop() ?? '';
  const holder = members.reduce<object>((parent, member) => {
    const inner: unknown = Reflect.get(parent, member);
    assert.ok(typeof inner === 'object' && inner !== null, path);
    return inner;
  }, document);
  if (value === undefined) Reflect.deleteProperty(holder, last);
  else Reflect.set(holder, last, value);
};

type Mutation = readonly [says: string, kind: string, name: string, path: string, value: unknown, expected: RegExp];

const mutations: readonly Mutation[] = [
  ['a server on leaves of different groups', 'Connection', 'server-01--eslag--leaf-01--leaf-02', 'spec.eslag.links.1.switch.port', 'leaf-03/E1/1', /^Connection\/server-01--eslag\S* spec\.links/],
  ['a lane that another server has', 'Connection', 'server-04--unbundled--leaf-03', 'spec.unbundled.link.switch.port', 'leaf-03/E1/52/2', /PortInUse/],
  ['a port whose lanes another server has', 'Connection', 'server-04--unbundled--leaf-03', 'spec.unbundled.link.switch.port', 'leaf-03/E1/52', /^Connection\/server-0[24]\S* spec\.links/],
  ['one ASN on two leaves', 'Switch', 'leaf-02', 'spec.asn', 65101, /^Switch\/leaf-0[12] spec\.asn PinInUse/],
  ['lanes of a port that is not broken out', 'Switch', 'leaf-03', 'spec.portBreakouts', undefined, /^Connection\/server-02\S* spec\.links/],
  ['host bits in a subnet', 'VPC', 'app', 'spec.subnets.front.subnet', '10.40.10.1/24', /^VPC\/app spec\.subnets\.front\.cidr/],
  ['the broadcast address in a range', 'VPC', 'app', 'spec.subnets.front.dhcp.range.end', '10.40.10.255', /^VPC\/app spec\.subnets\.front\.dhcp\.range/],
  ['a subnet at the end of an external connection', 'VPCAttachment', 'server-01--app-front', 'spec.connection', 'leaf-03--external--edge', /^VPCAttachment\/server-01--app-front spec\.connection/],
  ['VPCs of two address spaces in one peering', 'VPCPeering', 'app--ops', 'spec.permit', [{ app: null, 'app-b': null }], /^VPCPeering\/app--ops spec\.permit\[0\] AddressSpaceMismatch/],
  ['a neighbour outside the own network', 'ExternalAttachment', 'leaf-03--edge-bgp', 'spec.neighbor.ip', '198.18.32.2', /^External\/edge-bgp spec\.attachments\[0\]/],
  ['an unknown field', 'VPC', 'ops', 'spec.subnets.default.vlanId', 5, /^VPC\/ops spec\.subnets\.default\.vlanId Import/],
  ['a number where ports are text', 'GatewayPeering', 'app--isp', 'spec.peering.app.expose.1.nat.portForward.ports.0.port', 443, /^GatewayPeering\/app--isp spec\S+port Import/],
  ['a server on the port of another', 'Connection', 'server-03--unbundled--leaf-01', 'spec.unbundled.link.switch.port', 'leaf-01/E1/1', /PortInUse/],
  ['a VPC outside its address space', 'IPv4Namespace', 'lab-b', 'spec.subnets', ['10.50.0.0/16'], /^VPC\/app-b spec\.subnets\.front\.cidr OutsideAddressSpace/],
  ['a permit list of unknown subnets', 'VPC', 'app', 'spec.permit', [['front', 'none']], /^VPC\/app spec\.permit/],
  ['a static route through nowhere', 'VPC', 'app', 'spec.staticRoutes', [{ prefix: '192.168.77.0/24', nextHops: ['192.0.2.1'] }], /^VPC\/app spec\.staticRoutes/],
  ['two documents of one name', 'VPC', 'ops', 'metadata.name', 'app', /^VPC\/app metadata\.name Import/],
];

describe('documents of Hedgehog in the compiler', () => {
  it('are accepted as they are in the examples', () => assert.deepEqual(faultsOf(examples()), []));

  for (const [says, kind, name, path, value, expected] of mutations) {
    it(`are refused with ${says}`, () => {
      const documents = examples();
      set(documents, kind, name, path, value);
      const faults = faultsOf(documents);
      assert.ok(faults.some((fault) => expected.test(fault)), `${expected} is none of:\n${faults.join('\n')}`);
    });
  }
});
