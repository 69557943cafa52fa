/**
 * Where a tenant's mappings may point. A VTEP delivers what it is sent, whoever sent it: who could name one of the fabric's
 * own, or any VNI, would be in other tenants' segments. So only VTEPs count that the Fabric declares as not Heddle's, and of
 * the VNIs that Heddle gives out only the one of the mapping's own segment.
 */
import { ipv4Number } from '../../net/address.ts';
import type { Address } from '../../net/brand.ts';
import { networkAddress, prefixSize } from '../../net/prefix.ts';
import { prefixOf, specNamed } from '../intent.ts';
import { query } from '../view.ts';
import { holdersOf } from './resolution.ts';
import { fabricOfTenants } from './vpc.ts';

/** First and last number of each prefix. */
const externalRanges = query('externalRanges', (view, fabric): readonly (readonly [number, number])[] => {
  const prefixes = specNamed(view, 'Fabric', fabric)?.overlay.externalVTEPs ?? [];
  return prefixes.map((text) => {
    const first = ipv4Number(networkAddress(prefixOf(text))) ?? Number.NaN;
    return [first, first + Number(prefixSize(prefixOf(text))) - 1];
  });
});

/** `foreign`: neither the fabric's own nor declared by it. */
export type VtepStanding = 'external' | 'fabric' | 'foreign';

/** Key: address. */
export const vtepStanding = query('vtepStanding', (view, address): VtepStanding => {
  // A pool may have been changed since a switch took its address from it.
  if (['vtep', 'routerid'].some((pool) => holdersOf(view, pool, address).length > 0)) return 'fabric';
  const value = ipv4Number(address as Address) ?? Number.NaN;
  return view.query(externalRanges, fabricOfTenants).some(([first, last]) => value >= first && value <= last) ? 'external' : 'foreign';
});

/** Key: fabric. MAC address of every gateway; undefined when there is no such fabric. */
export const gatewayMac = query('gatewayMac', (view, fabric) => specNamed(view, 'Fabric', fabric)?.overlay.anycastMAC);

export const externalVtepLayers = [externalRanges, vtepStanding, gatewayMac];
