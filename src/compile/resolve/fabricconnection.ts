/** Cables of the underlay: between a spine and a leaf, between two leaves (mesh), or up to a gateway. */
import type { ObjectRef, Resource } from '../../api/object.ts';
import type { Prefix } from '../../net/brand.ts';
import { pending } from '../finding.ts';
import { prefixOf } from '../intent.ts';
import type { View } from '../view.ts';
import { chassisAt, switchPort, type SwitchPort } from './cableports.ts';
import type { Cable, Shape } from './cabling.ts';
import { fabricUnderlay } from './fabric.ts';
import { leavingCables } from './leaving.ts';
import type { Examination } from './resolution.ts';
import type { Chassis } from './switch.ts';

export interface FabricLink {
  readonly upper: SwitchPort;
  readonly lower: SwitchPort;
  /** The /31 of a numbered link; the upper end has the lower address. */
  readonly prefix?: Prefix;
  /** It was taken out of the Connection, and traffic is led around it before it goes. */
  readonly drained?: true;
}

export interface FabricConnection {
  readonly type: 'fabric' | 'mesh' | 'gateway';
  readonly fabric: string;
  readonly profiles: readonly ObjectRef[];
  /** Without those that wait for their /31: a cable that is added must not stop those that run. */
  readonly links: readonly FabricLink[];
  /** It is being deleted, and traffic is led around it first. */
  readonly drained?: true;
}

export const fabricConnection = (
  object: Resource, type: FabricConnection['type'], { cables }: Shape, seen: Examination, view: View,
): FabricConnection | undefined => {
  const [first] = cables;
  const upper = first && chassisAt(first.upper, seen, view);
  const lower = first && chassisAt(first.lower, seen, view);
  if (upper === undefined || lower === undefined) return undefined;
  if (upper.fabric !== lower.fabric) {
    seen.error('FabricMismatch', 'spec.links', `the switches are of two fabrics, "${upper.fabric}" and "${lower.fabric}"; cable within one`);
  }
  const underlay = view.query(fabricUnderlay, lower.fabric);
  const pool = underlay?.links === 'numbered' ? prefixOf(underlay.linkPool) : undefined;
  const links = cables.flatMap((cable) => fabricLink(cable, [upper, lower], pool, seen, view));
  const leaving = leavingCables(object, view).filter(({ chassis }) => chassis[0].fabric === lower.fabric);
  for (const { cable } of leaving) {
    seen.findings.push(pending('spec.links', `waits until traffic is led around "${cable.upper.text}--${cable.lower.text}", which was taken out`));
  }
  const drainedLinks = leaving.flatMap(({ cable, chassis }) => fabricLink(cable, chassis, pool, seen, view)).map((link): FabricLink => ({ ...link, drained: true }));
  const drained = object.metadata.deletionTimestamp === undefined ? {} : ({ drained: true } as const);
  return { type, fabric: lower.fabric, profiles: [upper.profile, lower.profile], links: [...links, ...drainedLinks], ...drained };
};

const fabricLink = (
  cable: Cable,
  chassis: readonly [Chassis, Chassis],
  pool: Prefix | undefined,
  seen: Examination,
  view: View,
): FabricLink[] => {
  const [upper, lower] = [switchPort(cable.upper, chassis[0], seen, view), switchPort(cable.lower, chassis[1], seen, view)];
  if (upper === undefined || lower === undefined) return [];
  if (pool === undefined) return [{ upper, lower }];
  const purpose = `${cable.upper.text}--${cable.lower.text}`;
  const candidates = { type: 'prefixes', prefix: pool, length: 31 } as const;
  const prefix = seen.claim({ pool: 'link', purpose, owner: seen.owner, candidates, path: 'spec.links' });
  return prefix === undefined ? [] : [{ upper, lower, prefix: prefixOf(prefix) }];
};
