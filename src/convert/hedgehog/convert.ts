/**
 * Hedgehog's documents (wiring, vpc and gateway groups) as objects of ours, names kept. Whatever is not taken over as it
 * stood is in the notes. Documents may come in any order.
 */
import type { FabricSpec } from '../../api/kinds/fabric.ts';
import { make } from '../make.ts';
import type { Converted, Foreign, Note } from '../notes.ts';
import { readDocuments, type Documents } from './documents.ts';
import { convertGateways } from './gateways.ts';
import { convertOutside, externalByConnection } from './outside.ts';
import { convertTenancy } from './tenancy.ts';
import { convertWiring } from './wiring.ts';

export interface HedgehogOptions {
  /** Of the tenant that gets the VPCs; default `default`. */
  readonly namespace?: string;
  /** SwitchProfile of all switches, instead of those that the files name. */
  readonly profile?: string;
}

export const convertHedgehog = (sources: readonly Foreign[], { namespace = 'default', profile }: HedgehogOptions = {}): Converted => {
  const notes: Note[] = [];
  const documents = readDocuments(sources, notes);
  const wiring = convertWiring(documents, externalByConnection(documents), profile);
  const [tenancy, outside] = [convertTenancy(documents, namespace), convertOutside(documents, namespace)];
  const fabric = wiring.some(({ kind }) => kind === 'Switch') ? [make('Fabric', 'default', fabricOf(documents))] : [];
  return { objects: [...fabric, ...wiring, ...convertGateways(documents), ...tenancy, ...outside], notes };
};

/** What holds for all switches there and is written down nowhere in the files: MTU, gateway MAC, the ASN of the spines. */
const fabricOf = ({ Switch }: Documents): FabricSpec => {
  const spines = new Set(Switch.filter(({ spec }) => spec.role === 'spine').flatMap(({ spec }) => spec.asn ?? []));
  const [spine] = spines;
  for (const { spec, notes } of Switch) {
    if (spines.size > 1 && spec.role === 'spine') notes.error('spec.asn', 'spines of one fabric share an ASN, and these have several');
  }
  return { underlay: { mtu: 9100 }, overlay: { anycastMAC: '00:00:00:11:11:11' }, ...(spine === undefined ? {} : { asns: { spine } }) };
};
