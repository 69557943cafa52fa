/**
 * Parts of a Fabric, each for those whom it concerns: what is cabled need not be looked at again because there are more
 * router ids to give away.
 */
import { specNamed, type Specs } from '../intent.ts';
import { query } from '../view.ts';

type FabricSpec = Specs['Fabric'];

export type Underlay = Pick<FabricSpec['underlay'], 'links' | 'linkPool' | 'mtu' | 'bfd'>;

/** Key: fabric. What cables are given; undefined when there is no such fabric. */
export const fabricUnderlay = query('fabricUnderlay', (view, name): Underlay | undefined => {
  const fabric = specNamed(view, 'Fabric', name);
  if (fabric === undefined) return undefined;
  const { links, linkPool, mtu, bfd } = fabric.underlay;
  return { links, linkPool, mtu, bfd };
});

export interface Tenancy {
  readonly vnis: FabricSpec['overlay']['vnis'];
  /** What no subnet may be in: what the operator says, and what the underlay is numbered from. */
  readonly reserved: readonly string[];
  /** Of fabric links, bytes. */
  readonly mtu: number;
}

/** Key: fabric. What VPCs are given; undefined when there is no such fabric. */
export const fabricTenancy = query('fabricTenancy', (view, name): Tenancy | undefined => {
  const fabric = specNamed(view, 'Fabric', name);
  if (fabric === undefined) return undefined;
  const { reserved, overlay: { vnis }, underlay: { links, linkPool, routerIDs, vteps, mtu } } = fabric;
  return { vnis, reserved: [...reserved, routerIDs, vteps, ...(links === 'numbered' ? [linkPool] : [])], mtu };
});

export const fabricLayers = [fabricUnderlay, fabricTenancy];
