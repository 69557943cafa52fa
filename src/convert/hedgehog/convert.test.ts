import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { parseAllDocuments, stringify } from 'yaml';
import { checkObject } from '../../api/check.ts';
import { kindByName } from '../../api/kinds.ts';
import type { Resource } from '../../api/object.ts';
import type { Foreign } from '../notes.ts';
import { convertHedgehog } from './convert.ts';

const folder = fileURLToPath(new URL('../../../testdata/import/', import.meta.url));
const files = readdirSync(`${folder}hedgehog`).sort();

/** All documents of the examples, in the order of the files. */
const examples = (): Resource[] =>
  files.flatMap((file) => parseAllDocuments(readFileSync(`${folder}hedgehog/${file}`, 'utf8')).map((document) => document.toJS() as Resource));

const foreign = (object: Resource): Foreign => ({ object, locate: (path) => `${object.kind}/${object.metadata.name} ${path}`.trim() });
const convert = (documents: readonly Resource[]) => convertHedgehog(documents.map(foreign));
const told = ({ notes }: ReturnType<typeof convert>): string[] => notes.map(({ outcome, place, message }) => `${outcome} ${place}: ${message}`);
const named = (objects: readonly Resource[], kind: string, name: string): unknown => objects.find((object) => object.kind === kind && object.metadata.name === name)?.spec;

describe('documents of Hedgehog', () => {
  it('become these objects, with this report', () => {
    const converted = convert(examples());
    const text = [...told(converted).map((line) => `# ${line}\n`), ...converted.objects.map((object) => `---\n${stringify(object, { lineWidth: 0, flowCollectionPadding: true })}`)].join('');
    const golden = `${folder}hedgehog.expected.yaml`;
    if (process.env['HEDDLE_WRITE_GOLDENS'] === '1') writeFileSync(golden, text);
    assert.equal(text, readFileSync(golden, 'utf8'));
  });

  it('become objects without a fault, whatever the order they are read in', () => {
    const backwards = convert(examples().toReversed());
    for (const object of backwards.objects) {
      const kind = kindByName(object.kind);
      assert.ok(kind !== undefined, object.kind);
      assert.deepEqual(checkObject(kind, kind.defaults(object)), [], `${object.kind} ${object.metadata.name}`);
    }
    const names = (objects: readonly Resource[]) => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort();
    assert.deepEqual(names(backwards.objects), names(convert(examples()).objects));
  });

  it('keep names, and what follows from another document: VLANs of subnets, attachments of Externals, ports of servers', () => {
    const { objects } = convert(examples());
    assert.deepEqual(named(objects, 'VPCAttachment', 'server-01--app-front'), {
      vpc: 'app', subnet: 'front', connection: 'server-01--eslag--leaf-01--leaf-02', vlan: 1210,
    });
    assert.deepEqual(named(objects, 'VPCAttachment', 'server-02--ops'), {
      vpc: 'ops', subnet: 'default', connection: 'server-02--bundled--leaf-03', vlan: 1220,
    });
    assert.deepEqual(named(objects, 'Server', 'server-01'), { ports: { ens1f0: {}, ens1f1: {} }, description: 'eslag host' });
    assert.deepEqual((named(objects, 'External', 'edge-bgp') as { attachments: unknown }).attachments, [
      { connection: 'leaf-03--external--edge', vlan: 310, address: '198.18.31.1/30', neighbor: { address: '198.18.31.2', asn: 64900 } },
    ]);
  });

  it('say every fault at once, with its field, and what has been given up', () => {
    const documents: Resource[] = [
      { apiVersion: 'vpc.githedgehog.com/v1beta1', kind: 'VPC', metadata: { name: 'a' }, spec: { mode: 'l3flat', subnets: {} } },
      { apiVersion: 'vpc.githedgehog.com/v1beta1', kind: 'VPC', metadata: { name: 'b' }, spec: { subnets: { x: { cidr: '10.0.0.0/24' } } } },
      { apiVersion: 'wiring.githedgehog.com/v1beta1', kind: 'Switch', metadata: { name: 's' }, spec: { role: 'virtual-edge', profile: 'p', asn: 'x' } },
      { apiVersion: 'wiring.githedgehog.com/v1beta1', kind: 'Connection', metadata: { name: 'm' }, spec: { mclag: { links: [] } } },
      { apiVersion: 'gateway.githedgehog.com/v1alpha1', kind: 'GatewayPeering', metadata: { name: 'g', namespace: 'fab' }, spec: { peering: { a: null } } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } },
    ];
    assert.deepEqual(told(convert(documents)), [
      'error VPC/b spec.subnets.x.cidr: unknown field; known here: subnet, gateway, vlan, isolated, restricted, hostBGP, hostBGPMinPrefixLen, hostBGPMaxPrefixLen, hostBGPExtraPrefixes, dhcp',
      'error Switch/s spec.asn: must be a whole number, not "x"',
      'changed GatewayPeering/g metadata.namespace: "fab" is read as "default", where that system keeps all objects of users',
      'error Deployment/d kind: "Deployment" of "apps/v1" is none of Hedgehog\'s kinds; remove it from the files',
      'lost Connection/m spec.mclag: that system has given it up; use "eslag" for several leaves, and nothing for a loopback',
      'error VPC/a spec.mode: "l3flat" is no mode that VPCs have; use l2vni or l3vni',
      'error VPC/b spec.subnets.x.subnet: is required',
      'lost GatewayPeering/g: address translation and filters of gateways are not in this release',
    ]);
  });

  it('take null for an empty object, as in a permit without a list', () => {
    const peering = { apiVersion: 'vpc.githedgehog.com/v1beta1', kind: 'VPCPeering', metadata: { name: 'p' }, spec: { permit: [{ a: null, b: { subnets: ['x'] } }] } };
    assert.deepEqual(named(convert([peering]).objects, 'VPCPeering', 'p'), { permit: [[{ vpc: 'a' }, { vpc: 'b', subnets: ['x'] }]] });
  });

  it('make a static port an External with a peering of the VPC it is in', () => {
    const link = { switch: { port: 'leaf-1/E1/1', ip: '172.16.1.1/24', vlan: 5, subnets: ['192.168.0.0/24'], nextHop: '172.16.1.2' } };
    const connection = { apiVersion: 'wiring.githedgehog.com/v1beta1', kind: 'Connection', metadata: { name: 'edge' }, spec: { staticExternal: { link, withinVPC: 'app' } } };
    const { objects } = convert([connection]);
    assert.deepEqual(named(objects, 'Connection', 'edge'), { links: [{ ends: ['leaf-1/E1/1', 'edge/edge'] }] });
    assert.deepEqual(named(objects, 'External', 'edge'), {
      static: { prefixes: ['192.168.0.0/24'] },
      attachments: [{ connection: 'edge', vlan: 5, address: '172.16.1.1/24', nextHop: '172.16.1.2' }],
    });
    assert.deepEqual(named(objects, 'ExternalPeering', 'app--edge'), { vpc: 'app', external: 'edge', prefixes: ['192.168.0.0/24'] });
  });

  it('order the statements of an ACL and refuse filters that would let more in when left out', () => {
    const statements = [
      { seq: 20, action: 'discard', protocol: 'tcp', srcPrefix: 'any', dstPrefix: 'any', portRangeBegin: 22 },
      { seq: 10, action: 'permit', protocol: 'icmp', srcPrefix: 'any', dstPrefix: '10.0.0.0/8', icmpType: 8 },
      { seq: 30, action: 'permit', protocol: 'tcp', srcPrefix: 'any', dstPrefix: 'any', tcpFilters: { syn: true } },
    ];
    const of = (kind: string, name: string, spec: object): Resource => ({ apiVersion: 'vpc.githedgehog.com/v1beta1', kind, metadata: { name }, spec });
    const { objects, notes } = convert([
      of('External', 'e', {}),
      of('ExternalAttachment', 'ea', { external: 'e', connection: 'c', switch: { ip: '192.0.2.0/31' }, neighbor: { asn: 65000, ip: '192.0.2.1' }, inboundACL: { statements } }),
    ]);
    assert.deepEqual((named(objects, 'External', 'e') as { inboundACL: unknown }).inboundACL, [
      { action: 'permit', protocol: 'icmp', destination: '10.0.0.0/8', icmpType: 8 },
      { action: 'deny', protocol: 'tcp', ports: { from: 22, to: 22 } },
    ]);
    assert.deepEqual(notes.filter(({ outcome }) => outcome === 'error').map(({ path }) => path), ['spec.inboundACL.statements[2].tcpFilters']);
  });
});
