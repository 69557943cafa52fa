import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiVersion, refOf, type Resource } from '../api/object.ts';
import { mappedAt } from './hosts.ts';
import { Specification } from './specification.ts';
import type { Refusal } from './refusals.ts';

let born = 0;
const object = (kind: string, name: string, spec: object, namespace = 'default'): Resource => {
  const isTenants = ['VPC', 'VPCAttachment', 'VPCPeering', 'PeeringConsent', 'ExternalPeering', 'MappingSlice', 'SecurityPolicy'].includes(kind);
  return {
    apiVersion, kind, spec,
    metadata: { name, uid: `uid-${kind}-${name}`, creationTimestamp: `2026-01-01T00:00:${String(born++ % 60).padStart(2, '0')}Z`, ...(isTenants && { namespace }) },
  };
};
const claim = (pool: string, value: string | number, owner: Resource, purpose: string): Resource =>
  object('Claim', `${pool}-${value}`, { pool, value: `${value}`, purpose, owner: { ...refOf(owner), uid: owner.metadata.uid } });

const fabric = object('Fabric', 'default', { overlay: { externalVTEPs: ['192.0.2.0/24'] } });
const space = object('AddressSpace', 'default', { prefixes: ['10.0.0.0/8'] });
const shop = object('VPC', 'shop', { subnets: { front: { cidr: '10.1.1.0/24' }, back: { cidr: '10.1.2.0/24' } } });
const bank = object('VPC', 'bank', { subnets: { desk: { cidr: '10.2.1.0/24' } } }, 'partner');
const claims = [
  claim('vni', 5000, shop, 'l3'), claim('vni', 5001, shop, 'subnet/front'), claim('vni', 5002, shop, 'subnet/back'),
  claim('vni', 5010, bank, 'l3'), claim('vni', 5011, bank, 'subnet/desk'),
];
const peering = object('VPCPeering', 'both', { permit: [[{ vpc: 'shop', subnets: ['front'] }, { vpc: 'bank', namespace: 'partner' }]] });
const consent = object('PeeringConsent', 'yes', { vpc: 'bank', peer: { namespace: 'default' } }, 'partner');

const specified = (...more: readonly Resource[]): Specification => {
  const spec = new Specification();
  tell(spec, [fabric, space, shop, bank, ...claims, ...more]);
  return spec;
};

const tell = (spec: Specification, objects: readonly Resource[], refusals: Readonly<Record<string, readonly Refusal[]>> = {}): string[] => {
  const units: string[] = [];
  const listener = { unit: (unit: string) => units.push(unit), placed: () => {} };
  spec.observe(objects.map((each) => ({ ref: refOf(each), object: each })), new Map(Object.entries(refusals)), listener);
  return units;
};
const remove = (spec: Specification, gone: Resource): void => spec.observe([{ ref: refOf(gone), object: undefined }], new Map());

const error = (path: string): Refusal => ({ severity: 'error', code: 'Any', path });

describe('what is specified', () => {
  it('knows whose an id is as long as claim and owner are in force', () => {
    const spec = specified();
    assert.equal(spec.networkOfVni(5000)?.network, 'VPC/default/shop');
    assert.deepEqual([spec.subnetOfVni(5002)?.vpc.key, spec.subnetOfVni(5002)?.name], ['default/shop', 'back']);
    assert.equal(spec.networkOfVni(5001), undefined, 'an L2VNI is no VRF');
    tell(spec, [{ ...(claims[0] as Resource), status: { phase: 'Quarantined' } }]);
    assert.equal(spec.networkOfVni(5000), undefined);
    assert.equal(spec.claims.lastOwner(5000), 'VPC/default/shop');
  });

  it('lets two tenants meet only while both say so, whatever others say of the peering', () => {
    const spec = specified(peering);
    assert.deepEqual(spec.pairings('VPC/default/shop', 'VPC/partner/bank'), []);
    tell(spec, [consent]);
    const [pairing] = spec.pairings('VPC/partner/bank', 'VPC/default/shop');
    assert.deepEqual([pairing?.local, pairing?.remote, pairing?.by, pairing?.isPromised], [['10.2.1.0/24'], ['10.1.1.0/24'], 'VPCPeering/default/both', true]);
    assert.ok(spec.mayPass('VPC/default/shop', '10.1.1.9' as never, 'VPC/partner/bank', '10.2.1.9' as never));
    remove(spec, consent);
    assert.deepEqual(spec.pairings('VPC/default/shop', 'VPC/partner/bank'), []);
  });

  it('takes a refused part for nothing, and one that waits for permitted and no more', () => {
    const spec = specified(peering, consent);
    tell(spec, [], { 'VPCPeering/default/both': [error('spec.permit[0][1].subnets')] });
    assert.deepEqual(spec.pairings('VPC/default/shop', 'VPC/partner/bank'), []);
    tell(spec, [], { 'VPCPeering/default/both': [{ ...error('spec.permit[0]'), severity: 'pending' }] });
    assert.deepEqual(spec.pairings('VPC/default/shop', 'VPC/partner/bank').map(({ isPromised }) => isPromised), [false]);
    tell(spec, [], { 'VPCPeering/default/both': [], 'VPC/default/shop': [error('spec.subnets.front.cidr'), error('spec.subnets.back.dhcp.relay')] });
    assert.deepEqual([...(spec.vpc('default/shop')?.subnets.keys() ?? [])], ['back']);
  });

  it('believes no subnet outside of its AddressSpace or inside what the fabric keeps for itself', () => {
    const stray = object('VPC', 'stray', { subnets: { out: { cidr: '192.168.1.0/24' }, own: { cidr: '10.9.1.0/24' } } });
    const kept = { ...fabric, spec: { ...(fabric.spec as object), reserved: ['10.9.0.0/16'] } };
    const spec = specified(stray, claim('vni', 5020, stray, 'l3'));
    assert.deepEqual([...(spec.vpc('default/stray')?.subnets.keys() ?? [])], ['own']);
    tell(spec, [kept]);
    assert.deepEqual([...(spec.vpc('default/stray')?.subnets.keys() ?? [])], []);
  });

  it('maps an address as the eldest slice in force says, to where mappings may lead', () => {
    const host = (address: string, vtep: string) => ({ address, mac: '0a:00:00:00:00:01', vtep });
    const [elder, younger] = [object('MappingSlice', 'elder', { vpc: 'shop', mappings: [host('10.1.1.9', '192.0.2.1')] }), object('MappingSlice', 'younger', { vpc: 'shop', mappings: [host('10.1.1.9', '192.0.2.2'), host('10.1.1.10', '198.51.100.1')] })];
    const spec = specified(elder, younger);
    const vtepOf = (address: string): string | undefined => {
      const vpc = spec.vpc('default/shop');
      return vpc && mappedAt(vpc, address, spec)?.vtep;
    };
    assert.deepEqual(['10.1.1.9', '10.1.1.10', '10.1.1.11'].map(vtepOf), ['192.0.2.1', undefined, undefined]);
    tell(spec, [], { 'MappingSlice/default/elder': [error('spec.mappings[0].mac')] });
    assert.equal(vtepOf('10.1.1.9'), '192.0.2.2');
    const moved = { ...younger, spec: { vpc: 'shop', mappings: [host('10.1.1.9', '192.0.2.3'), host('10.1.1.10', '198.51.100.1')] } };
    assert.deepEqual(tell(spec, [moved]), ['mapping 5000 10.1.1.9']);
    remove(spec, younger);
    assert.equal(vtepOf('10.1.1.9'), undefined);
  });

  it('tells of a change what is really another by it', () => {
    const spec = specified(peering, consent);
    assert.deepEqual(tell(spec, [peering, consent]), []);
    const wider = { ...peering, spec: { permit: [[{ vpc: 'shop' }, { vpc: 'bank', namespace: 'partner' }]] } };
    assert.deepEqual(new Set(tell(spec, [wider])), new Set(['leak 5000 5010', 'leak 5010 5000']));
  });
});
