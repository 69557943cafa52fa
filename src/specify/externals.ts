/** Where an External is met: its places that are in force. Pure. */
import type { Address, Asn, InterfaceAddress, Prefix, Vlan } from '../net/brand.ts';
import { textAddress, textPrefix, type Surroundings } from './networks.ts';
import { at, isError, isWithin } from './refusals.ts';

export interface ExternalPlace {
  readonly device: string;
  readonly port: string;
  readonly vlan?: Vlan;
  readonly connection: string;
  readonly address: InterfaceAddress;
  readonly proxy: readonly Prefix[];
  readonly neighbor?: { readonly address: Address; readonly asn: Asn };
  readonly nextHop?: Address;
}

/** @param key name of the External */
export const placesOf = (key: string, around: Surroundings): readonly ExternalPlace[] => {
  const held = around.objects.get('External', key);
  const said = around.refusals.of('External', key).filter(isError);
  return (held?.spec.attachments ?? []).flatMap(({ connection, vlan, address, proxy, neighbor, nextHop }, index): ExternalPlace[] => {
    const wiring = said.some((refusal) => isWithin(refusal, at('spec', 'attachments', index))) ? undefined : around.wiring(connection);
    if (wiring?.type !== 'external') return [];
    return [{
      device: wiring.end.device,
      port: wiring.end.port,
      connection,
      address: address as InterfaceAddress,
      proxy: proxy.map(textPrefix),
      ...((vlan ?? 0) !== 0 && { vlan: vlan as Vlan }),
      ...(neighbor !== undefined && { neighbor: { address: textAddress(neighbor.address), asn: neighbor.asn as Asn } }),
      ...(nextHop !== undefined && { nextHop: textAddress(nextHop) }),
    }];
  });
};
