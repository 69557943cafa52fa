/** Fabric: the pools and the protocol settings that everything else draws from. One, named `default`, is expected. */
import Type, { type Static } from 'typebox';
import { cidr, mac, range, statusBase } from './common.ts';

export const fabricSpec = Type.Object(
  {
    underlay: Type.Optional(
      Type.Object(
        {
          links: Type.Optional(
            Type.Union([Type.Literal('unnumbered'), Type.Literal('numbered')], {
              description: 'unnumbered: BGP over IPv6 link-local (RFC 5549); numbered: a /31 a link from linkPool (RFC 3021).',
            }),
          ),
          linkPool: Type.Optional(cidr('Prefix from which numbered links take their /31.')),
          routerIDs: Type.Optional(cidr('Prefix from which router ids (loopbacks) are taken.')),
          vteps: Type.Optional(cidr('Prefix from which VTEP addresses are taken.')),
          mtu: Type.Optional(Type.Integer({ minimum: 1500, maximum: 9216, description: 'MTU of fabric links, bytes.' })),
          bfd: Type.Optional(
            Type.Object(
              {
                enabled: Type.Optional(Type.Boolean()),
                intervalMilliseconds: Type.Optional(Type.Integer({ minimum: 50, maximum: 60000 })),
                multiplier: Type.Optional(Type.Integer({ minimum: 2, maximum: 255 })),
              },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false, description: 'How switches reach each other.' },
      ),
    ),
    asns: Type.Optional(
      Type.Object(
        {
          spine: Type.Optional(Type.Integer({ minimum: 1, maximum: 4294967294, description: 'ASN that all spines share (RFC 7938).' })),
          leaves: Type.Optional(range('leaf ASN', 1, 4294967294)),
        },
        { additionalProperties: false },
      ),
    ),
    overlay: Type.Optional(
      Type.Object(
        {
          vnis: Type.Optional(range('VNI', 1, 16777215)),
          anycastMAC: Type.Optional(mac('MAC address that every leaf uses as the gateway of every subnet.')),
        },
        { additionalProperties: false, description: 'How tenants are carried across the fabric.' },
      ),
    ),
    reserved: Type.Optional(
      Type.Array(cidr('Prefix'), { maxItems: 64, description: 'Prefixes that no AddressSpace may hand out.' }),
    ),
  },
  { additionalProperties: false },
);
export type FabricSpec = Static<typeof fabricSpec>;

export const fabricStatus = Type.Object({
  ...statusBase,
  switches: Type.Optional(Type.Integer()),
  servers: Type.Optional(Type.Integer()),
});
export type FabricStatus = Static<typeof fabricStatus>;
