/** Server: a machine whose ports are cabled to leaves. Its MAC addresses let DHCP and silent hosts work. */
import Type, { type Static } from 'typebox';
import { mac, statusBase, text } from './common.ts';

export const serverSpec = Type.Object(
  {
    description: Type.Optional(text('Free text.')),
    ports: Type.Record(
      Type.String(),
      Type.Object(
        { mac: Type.Optional(mac('MAC address of the port; without it no address is reserved for an attachment.')) },
        { additionalProperties: false },
      ),
      { description: 'Ports by name, such as eth1.' },
    ),
  },
  { additionalProperties: false },
);
export type ServerSpec = Static<typeof serverSpec>;

export const serverStatus = Type.Object({ ...statusBase });
