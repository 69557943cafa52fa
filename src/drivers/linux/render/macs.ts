/** MAC addresses that Heddle derives, all locally administered (IEEE 802 §8.4), so that a device made anew keeps its own. */
import type { Address, Mac, Vni } from '../../../net/brand.ts';

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** Router MAC of a leaf in every L3VNI (RFC 9135 §8.1): one a VTEP. IPv4 only, as VTEPs are. */
export const routerMac = (vtep: Address): Mac => `02:68:${vtep.split('.').map(Number).map(hex).join(':')}` as Mac;

/** MAC of a VRF's end of the pair to another VRF; the other VRF knows it without asking. */
export const pairMac = (vni: Vni): Mac => `02:76:00:${[vni >> 16, (vni >> 8) & 255, vni & 255].map(hex).join(':')}` as Mac;
