/** W(n) with a thousand hosts more in every VPC that Heddle does not manage: at W(1000) a million mappings. */
import { apiVersion, type Resource } from '../src/api/object.ts';
import { objectOr } from '../src/kit/json.ts';
import { addSubnet, vpcName, workload, type Workload } from './workload.ts';

export const mappingsPerVpc = 1000;
const foreignVteps = 200;

const hex = (value: number): string => value.toString(16).padStart(2, '0');

interface Mapping {
  readonly address: string;
  readonly mac: string;
  readonly vtep: string;
}

/** 10.192.0.0/10 holds a /22 for each VPC. */
const network = (vpc: number, host: number): string => {
  const number = vpc * 1024 + host;
  return `10.${192 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
};

const mapping = (vpc: number, host: number, vtep = host % foreignVteps): Mapping => ({
  address: network(vpc, host + 2),
  mac: `0a:${hex(vpc >> 8)}:${hex(vpc & 255)}:00:${hex(host >> 8)}:${hex(host & 255)}`,
  vtep: `198.18.${vtep >> 8}.${vtep & 255}`,
});

const slice = (vpc: number, name: string, mappings: readonly Mapping[]): Resource =>
  JSON.parse(JSON.stringify({ apiVersion, kind: 'MappingSlice', metadata: { name, namespace: 'default' }, spec: { vpc: vpcName(vpc), mappings } }));

const hosts = (vpc: number): Mapping[] => Array.from({ length: mappingsPerVpc }, (_, host) => mapping(vpc, host));

/** The slice of a VPC, one of its hosts behind another VTEP. */
export const movedSlice = (vpc: number, host: number, vtep: number): Resource =>
  slice(vpc, `hosts-of-${vpcName(vpc)}`, hosts(vpc).with(host, mapping(vpc, host, vtep)));

/** One host more, in a slice of its own. */
export const oneMapping = (vpc: number, number: number): Resource => slice(vpc, `more-${number}`, [mapping(vpc, mappingsPerVpc + (number % 20))]);

const withHosts = (vpc: number, object: Resource): Resource => {
  const { subnets } = objectOr(object.spec);
  return { ...object, spec: { ...objectOr(object.spec), subnets: { ...objectOr(subnets), hosts: { cidr: `${network(vpc, 0)}/22` } } } };
};

export const subnetMore = (vpc: number): Resource => withHosts(vpc, addSubnet(vpc));

const numberOf = ({ metadata: { name } }: Resource): number => Number(name.slice('vpc-'.length));

export const verifyWorkload = (vpcs: number): Workload & { readonly slices: readonly Resource[] } => {
  const world = workload(vpcs, { underlay: true });
  const fabric = world.fabric.map((object) =>
    object.kind === 'Fabric' ? { ...object, spec: { ...objectOr(object.spec), overlay: { externalVTEPs: ['198.18.0.0/23'] } } } : object,
  );
  const tenants = world.tenants.map((object) => (object.kind === 'VPC' ? withHosts(numberOf(object), object) : object));
  const slices = Array.from({ length: vpcs }, (_, vpc) => slice(vpc, `hosts-of-${vpcName(vpc)}`, hosts(vpc)));
  return { ...world, fabric, tenants, slices };
};
