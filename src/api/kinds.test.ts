import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinObjects } from './builtin.ts';
import { checkObject } from './check.ts';
import { compileJsonPath } from './jsonpath.ts';
import { kindByName, kinds } from './kinds.ts';
import { apiVersion, type Kind, type Resource } from './object.ts';

const namesOf = (kind: Kind): string[] => [...new Set([kind.kind.toLowerCase(), kind.plural, kind.singular, ...kind.shortNames])];

/** Names that kubectl resolves to something else already. */
const taken = 'all cm cs ep ev limits no ns po pvc pv quota rc sa svc pods nodes services events rs sts ds deploy hpa ing netpol'.split(' ');

const samples: Readonly<Record<string, unknown>> = {
  Fabric: { overlay: { anycastMAC: '0200.5E00.0101' } },
  SwitchProfile: { ports: { 'E1/1': { interface: 'swp1' } } },
  Switch: { role: 'leaf' },
  Server: { ports: { eth1: { mac: '02-00-00-00-00-0A' } } },
  Connection: { links: [{ ends: ['a/1', 'b/1'] }] },
  AddressSpace: { prefixes: ['10.0.0.0/8'] },
  Gateway: {},
  External: { bgp: {} },
  VPC: { subnets: { front: { cidr: '10.1.0.0/24' } } },
  VPCAttachment: { vpc: 'v', connection: 'c' },
  VPCPeering: { permit: [[{ vpc: 'a' }, { vpc: 'b' }]] },
  PeeringConsent: { vpc: 'v', peer: { namespace: 'others' } },
  ExternalPeering: { vpc: 'v', external: 'e', prefixes: ['0.0.0.0/0'] },
  SecurityPolicy: { vpc: 'v', subjects: { all: true }, ingress: [{ from: [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] }], ports: [{ protocol: 'tcp', port: 443 }] }] },
  MappingSlice: { vpc: 'v', mappings: [{ address: '10.1.0.9', mac: '0200.0000.0009', vtep: '192.0.2.1' }] },
  DHCPLease: { vpc: 'red', subnet: 'front', address: '10.1.0.9', mac: '02:00:00:00:00:09', switch: 'leaf-1', type: 'Dynamic' },
  Claim: { pool: 'vni', value: '1', owner: { kind: 'VPC', namespace: '', name: 'a', uid: 'u' }, purpose: 'l3' },
  Rollout: {
    fabric: 'default', revision: 1, changes: [], phase: 'Complete', wave: 1, waves: [['leaf-1']], failures: [], startTime: '2026-01-01T00:00:00Z', message: '',
  },
};

const sampleOf = (kind: Kind): Resource => ({ apiVersion, kind: kind.kind, metadata: { name: 'a' }, spec: samples[kind.kind] });

test('no name leads to two kinds or to a kind of Kubernetes', () => {
  const names = kinds.flatMap(namesOf);
  assert.deepEqual(names.filter((name, index) => names.indexOf(name) !== index || taken.includes(name)), []);
});

test('tenants have VPCs, attachments, peerings, consents, policies, mappings and leases; the rest is the operator\'s', () => {
  const namespaced = kinds.filter((kind) => kind.scope === 'Namespaced').map((kind) => kind.kind);
  assert.deepEqual(namespaced, ['VPC', 'VPCAttachment', 'VPCPeering', 'ExternalPeering', 'PeeringConsent', 'SecurityPolicy', 'MappingSlice', 'DHCPLease']);
});

test('every column can be read', () => {
  for (const { kind, columns } of kinds) {
    for (const { name, jsonPath } of columns) assert.doesNotThrow(() => compileJsonPath(jsonPath), `${kind} ${name}`);
    assert.equal(new Set(columns.map((column) => column.name)).size, columns.length, kind);
  }
});

test('defaults leave a sample of every kind valid, and filling them in twice changes nothing', () => {
  for (const kind of kinds) {
    const once = kind.defaults(sampleOf(kind));
    assert.deepEqual(checkObject(kind, once), [], kind.kind);
    assert.deepEqual(kind.defaults(once), once, kind.kind);
  }
});

test('defaults leave their argument alone and pass over what does not fit the schema', () => {
  for (const kind of kinds) {
    const sample = sampleOf(kind);
    const before = structuredClone(sample);
    kind.defaults(sample);
    assert.deepEqual(sample, before, kind.kind);
    const broken: Resource = { ...sample, spec: [1] };
    assert.equal(kind.defaults(broken), broken);
  }
});

test('a claim is bound unless its status says otherwise', () => {
  const kind = kindByName('Claim');
  assert.ok(kind);
  const phase = compileJsonPath(kind.columns.find(({ name }) => name === 'Phase')?.jsonPath ?? '');
  const phaseWith = (more: object): unknown => phase(kind.defaults({ ...sampleOf(kind), ...more }))[0];
  assert.equal(phaseWith({}), 'Bound');
  assert.equal(phaseWith({ status: {} }), 'Bound');
  assert.equal(phaseWith({ status: { phase: 'Quarantined' } }), 'Quarantined');
});

test('defaults write canonical text', () => {
  const spec = (name: string) => {
    const kind = kindByName(name);
    assert.ok(kind);
    return JSON.stringify(kind.defaults(sampleOf(kind)).spec);
  };
  assert.match(spec('Fabric'), /"anycastMAC":"02:00:5e:00:01:01"/);
  assert.match(spec('Server'), /"mac":"02:00:00:00:00:0a"/);
});

test('names that become host names are labels, others may hold dots', () => {
  const verdict = (kindName: string, name: string) => {
    const kind = kindByName(kindName);
    assert.ok(kind);
    return checkObject(kind, { ...sampleOf(kind), metadata: { name } }).map((finding) => `${finding.path} ${finding.code}`);
  };
  assert.deepEqual(verdict('Switch', 'leaf.1'), ['metadata.name InvalidName']);
  assert.deepEqual(verdict('Connection', 'leaf.1'), []);
  assert.deepEqual(verdict('VPC', 'a'.repeat(64)), ['metadata.name InvalidName']);
});

test('an object of every kind is one that kubectl explain can speak of', () => {
  for (const { kind, description, properties } of kinds) {
    assert.ok(description.length > 40, kind);
    assert.deepEqual(Object.keys(properties), ['spec', 'status'], kind);
  }
});

test('the built-in objects are valid and hold ports E1/1 to E1/64', () => {
  for (const object of builtinObjects) {
    const kind = kindByName(object.kind);
    assert.ok(kind);
    assert.deepEqual(checkObject(kind, kind.defaults(object)), []);
  }
  const ports = JSON.stringify(builtinObjects[0]?.spec);
  assert.match(ports, /"E1\/64":\{"interface":"swp64"\}/);
  assert.doesNotMatch(ports, /E1\/65/);
});
