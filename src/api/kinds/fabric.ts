/** Fabric: the pools and the protocol settings that everything else draws from. One, named `default`, is expected. */
import { type Static, Type } from 'typebox';
import { cidr, mac, percent, range, statusBase } from './common.ts';
import { selector } from './selector.ts';
import { canonicalMac, canonicalPrefix } from './canonical.ts';
import { column, defineKind, readyColumn, wideColumn } from './define.ts';
import { fabricRules } from '../rules/fabric.ts';
import { asSet } from '../fieldtype.ts';
import { verifyView } from '../matrixview.ts';
import { whatIfView } from '../whatifview.ts';

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
          externalVTEPs: Type.Optional(
            Type.Array(cidr('Prefix'), {
              ...asSet,
              maxItems: 64,
              description:
                'Prefixes of VTEPs that Heddle does not manage and a MappingSlice may name; default none. Whoever may write a MappingSlice can send to them.',
            }),
          ),
        },
        { additionalProperties: false, description: 'How tenants are carried across the fabric.' },
      ),
    ),
    reserved: Type.Optional(
      Type.Array(cidr('Prefix'), { ...asSet, maxItems: 64, description: 'Prefixes that no AddressSpace may hand out.' }),
    ),
    safety: Type.Optional(
      Type.Object(
        {
          maxDeletedPercent: Type.Optional(
            percent('How much of the goal state of one device may be deleted within the window, in percent of its rows; 100: all but the last row.'),
          ),
          minDeletedRows: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'So many rows of a device may be deleted within the window whatever their share.' }),
          ),
          maxDevicesPercent: Type.Optional(
            percent('How many switches, in percent, may lose a tenth of their rows (and at least 10) or be removed within the window; 100: all.'),
          ),
          minDevices: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 100_000, description: 'So many switches may be hit within the window whatever their share.' }),
          ),
          windowSeconds: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 3600, description: 'Deletions within this time count as one change; 0: only those that arrive together.' }),
          ),
        },
        {
          additionalProperties: false,
          description:
            'How much may be deleted at once. What exceeds it is held: devices keep it until the annotation heddle.dev/allow-deletions allows it, the change is taken back or a limit is raised. A goal state with nothing left in it is always held.',
        },
      ),
    ),
    verification: Type.Optional(
      Type.Object(
        {
          mode: Type.Optional(
            Type.Union([Type.Literal('block'), Type.Literal('warn'), Type.Literal('off')], {
              description: 'block: what is not proven does not reach devices; warn: it does, and is told; off: nothing is checked.',
            }),
          ),
          budget: Type.Optional(
            Type.Object(
              {
                milliseconds: Type.Optional(
                  Type.Integer({ minimum: 1, maximum: 600_000, description: 'How long one check may take; the first after a start, of everything, ten times as long.' }),
                ),
                classes: Type.Optional(
                  Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'How many equivalence classes of packets one check may look at; left out, any number.' }),
                ),
              },
              { additionalProperties: false },
            ),
          ),
          whenExhausted: Type.Optional(
            Type.Union([Type.Literal('block'), Type.Literal('warn')], {
              description: 'What becomes of a change that the budget did not suffice for. block: it waits until it was checked; warn: it reaches devices.',
            }),
          ),
        },
        {
          additionalProperties: false,
          description:
            'Every change of goal state is compared with what objects promise before it reaches devices: isolation, reachability, no loops. What fails is withheld with all that belongs to it, shows in the condition Verified of the objects it comes from, and other changes go on.',
        },
      ),
    ),
    rollout: Type.Optional(
      Type.Object(
        {
          canary: Type.Optional(selector('Devices that get a change first, by labels or name of the Switch or Gateway; default the first by name.')),
          wavePercent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Devices of a later wave, in percent of those concerned.' })),
          soakSeconds: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 86_400, description: 'How long the devices of a wave are watched before the next wave.' }),
          ),
          deadlineSeconds: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 86_400, description: 'How long a device may take to acknowledge, and to be healthy.' }),
          ),
          checks: Type.Optional(
            Type.Object(
              {
                sessions: Type.Optional(Type.Boolean({ description: 'Every BGP session that was up is up again.' })),
                probes: Type.Optional(Type.Boolean({ description: 'Leaves that hold the same VRFs and answered each other, VTEP to VTEP, still do.' })),
              },
              { additionalProperties: false, description: 'What must hold beside that devices acknowledge; default both.' },
            ),
          ),
          rollback: Type.Optional(
            Type.Union([Type.Literal('Automatic'), Type.Literal('Manual')], {
              description: 'Automatic: when a wave fails, its devices and those before go back to what they ran; Manual: they stay as they are.',
            }),
          ),
          applies: Type.Optional(
            Type.Union([Type.Literal('Fabric'), Type.Literal('All')], {
              description: "Fabric: to changes of what operators declare; tenants' changes go to all devices at once. All: to both.",
            }),
          ),
          paused: Type.Optional(Type.Boolean({ description: 'No further wave is let go.' })),
          historyLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Rollouts that are over and kept.' })),
        },
        {
          additionalProperties: false,
          description:
            'Changes of objects that exist go to devices wave by wave; what is new or deleted goes at once. Left out: every change goes to all devices at once.',
        },
      ),
    ),
  },
  { additionalProperties: false },
);
export type FabricSpec = Static<typeof fabricSpec>;

export const fabricStatus = Type.Object({
  ...statusBase,
  held: Type.Optional(
    Type.Object(
      {
        devices: Type.Integer({ description: 'Switches on which deletions are held.' }),
        rows: Type.Integer({ description: 'Rows that they would lose.' }),
        switches: Type.Array(Type.String(), { description: 'The first of them.' }),
        token: Type.String({ description: 'Value of the annotation heddle.dev/allow-deletions on this Fabric that allows them all.' }),
      },
      { description: 'Deletions that exceed spec.safety and wait for a decision; absent when there are none.' },
    ),
  ),
  withheld: Type.Optional(Type.Integer({ description: 'Rows of goal state that are withheld from devices; absent when there are none.' })),
  switches: Type.Optional(Type.Integer({ description: 'Switches of the fabric.' })),
  servers: Type.Optional(Type.Integer({ description: 'Servers with an accepted connection to a leaf of the fabric.' })),
});
export type FabricStatus = Static<typeof fabricStatus>;

/**
 * Defaults that suit most fabrics. Leaf ASNs are of the private 4-byte range (RFC 6996): room for 99,999 leaves where the
 * 2-byte range has 1,023. VNIs start at 5,000 so that the small numbers stay free for what is configured by hand on
 * devices that Heddle does not manage, and end at 16,000,000 so that a federated site can be given a block of its own.
 */
export const fabricDefaults = {
  underlay: {
    links: 'unnumbered',
    linkPool: '172.30.128.0/17',
    routerIDs: '172.30.8.0/22',
    vteps: '172.30.12.0/22',
    mtu: 9100,
    bfd: { enabled: true, intervalMilliseconds: 300, multiplier: 3 },
  },
  asns: { spine: 65100, leaves: { from: 4_200_000_001, to: 4_200_099_999 } },
  overlay: { vnis: { from: 5000, to: 16_000_000 }, anycastMAC: '02:00:5e:00:01:01' },
  safety: { maxDeletedPercent: 50, minDeletedRows: 50, maxDevicesPercent: 25, minDevices: 10, windowSeconds: 60 },
  verification: { mode: 'block', budget: { milliseconds: 5000 }, whenExhausted: 'block' },
} as const;

/** Of a Fabric that has `spec.rollout`. */
export const rolloutDefaults = {
  wavePercent: 25,
  soakSeconds: 30,
  deadlineSeconds: 60,
  checks: { sessions: true, probes: true },
  rollback: 'Automatic',
  applies: 'Fabric',
  paused: false,
  historyLimit: 20,
} as const;

export function defaultFabricSpec(spec: FabricSpec) {
  const { underlay = {}, asns = {}, overlay = {}, reserved = [], safety = {}, verification = {}, rollout, ...others } = spec;
  const standard = fabricDefaults;
  return {
    ...others,
    underlay: {
      ...standard.underlay,
      ...underlay,
      linkPool: canonicalPrefix(underlay.linkPool ?? standard.underlay.linkPool),
      routerIDs: canonicalPrefix(underlay.routerIDs ?? standard.underlay.routerIDs),
      vteps: canonicalPrefix(underlay.vteps ?? standard.underlay.vteps),
      bfd: { ...standard.underlay.bfd, ...underlay.bfd },
    },
    asns: { ...standard.asns, ...asns },
    overlay: {
      ...standard.overlay,
      ...overlay,
      anycastMAC: canonicalMac(overlay.anycastMAC ?? standard.overlay.anycastMAC),
      externalVTEPs: (overlay.externalVTEPs ?? []).map(canonicalPrefix),
    },
    reserved: reserved.map(canonicalPrefix),
    safety: { ...standard.safety, ...safety },
    verification: { ...standard.verification, ...verification, budget: { ...standard.verification.budget, ...verification.budget } },
    ...(rollout === undefined ? {} : { rollout: { ...rolloutDefaults, ...rollout, checks: { ...rolloutDefaults.checks, ...rollout.checks } } }),
  };
}
export type DefaultedFabricSpec = ReturnType<typeof defaultFabricSpec>;

export const fabric = defineKind({
  kind: 'Fabric',
  plural: 'fabrics',
  shortNames: ['fab'],
  scope: 'Cluster',
  names: 'label',
  description:
    'The pools that ids and addresses are allocated from, and the protocol settings all switches share. One fabric named "default" is expected; everything in it has a default.',
  spec: fabricSpec,
  status: fabricStatus,
  defaults: defaultFabricSpec,
  rules: fabricRules,
  views: { [verifyView]: 'Verification', [whatIfView]: 'WhatIf' },
  columns: [
    column('Switches', '.status.switches', 'Switches of the fabric.', 'integer'),
    column('Servers', '.status.servers', 'Servers cabled to the fabric.', 'integer'),
    column('Links', '.spec.underlay.links', 'How fabric links are addressed.'),
    readyColumn,
    wideColumn('Router-IDs', '.spec.underlay.routerIDs', 'Pool of router ids.'),
    wideColumn('VTEPs', '.spec.underlay.vteps', 'Pool of VTEP addresses.'),
    wideColumn('MTU', '.spec.underlay.mtu', 'MTU of fabric links, bytes.', 'integer'),
    wideColumn('Held', '.status.held.devices', 'Switches on which deletions are held.', 'integer'),
    wideColumn('Verification', '.spec.verification.mode', 'What becomes of changes that are not proven.'),
    wideColumn('Withheld', '.status.withheld', 'Rows that are withheld from devices.', 'integer'),
  ],
});
