/** Switch: one device that forwards. What is left out is allocated once and then stays. */
import Type, { type Static } from 'typebox';
import { address, name, statusBase, text } from './common.ts';

export const switchSpec = Type.Object(
  {
    role: Type.Union([Type.Literal('spine'), Type.Literal('leaf'), Type.Literal('border')], {
      description: 'spine: connects leaves; leaf: servers attach here; border: a leaf that also meets the outside.',
    }),
    fabric: Type.Optional(name('Fabric this switch belongs to; default "default".')),
    profile: Type.Optional(name('SwitchProfile; default "linux-soft".')),
    description: Type.Optional(text('Free text.')),
    asn: Type.Optional(Type.Integer({ minimum: 1, maximum: 4294967294, description: 'Pins the ASN instead of allocating one.' })),
    routerID: Type.Optional(address('Pins the router id (an IPv4 address).')),
    vtep: Type.Optional(address('Pins the VTEP address (leaves only).')),
  },
  { additionalProperties: false },
);
export type SwitchSpec = Static<typeof switchSpec>;

export const switchStatus = Type.Object({
  ...statusBase,
  asn: Type.Optional(Type.Integer()),
  routerID: Type.Optional(Type.String()),
  vtep: Type.Optional(Type.String()),
  agent: Type.Optional(
    Type.Object({
      connected: Type.Boolean(),
      version: Type.Optional(Type.String()),
      bootEpoch: Type.Optional(Type.String()),
      driver: Type.Optional(Type.String()),
      capabilities: Type.Optional(Type.Array(Type.String())),
      /** When the connection came or went. */
      since: Type.Optional(Type.String({ format: 'date-time' })),
    }),
  ),
  rows: Type.Optional(Type.Integer({ description: 'Rows of goal state this device holds.' })),
  driftRepaired: Type.Optional(Type.Integer({ description: 'Rows that something else changed on the device and the agent put back.' })),
});
export type SwitchStatus = Static<typeof switchStatus>;
