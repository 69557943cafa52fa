/** A SecurityPolicy by its parts: rules of both directions in one shape, peers and selectors with their paths. */
import type { Direction, Peer, PolicyPort, SecurityPolicySpec } from './kinds/securitypolicy.ts';
import type { Selector } from './kinds/selector.ts';

/** A rule of either direction. */
export interface PolicyRule {
  /** Undefined: everybody. */
  readonly peers: readonly Peer[] | undefined;
  readonly ports: readonly PolicyPort[] | undefined;
}

/** The rules of both directions in one shape. */
export const rulesOf = ({ ingress = [], egress = [] }: SecurityPolicySpec, direction: Direction): readonly PolicyRule[] =>
  direction === 'Ingress'
    ? ingress.map(({ from, ports: at }) => ({ peers: from, ports: at }))
    : egress.map(({ to, ports: at }) => ({ peers: to, ports: at }));

/** Every selector of a policy with its path. */
export const selectorsOf = (spec: SecurityPolicySpec): { readonly path: string; readonly of: Selector }[] => {
  const { subnets, attachments } = spec.subjects;
  const own = (path: string, given: Pick<Peer, 'subnets' | 'attachments'>) =>
    (['subnets', 'attachments'] as const).flatMap((member) => {
      const of = given[member];
      return of === undefined ? [] : [{ path: `${path}.${member}`, of }];
    });
  const subjects = { ...(subnets === undefined ? {} : { subnets }), ...(attachments === undefined ? {} : { attachments }) };
  return [...own('spec.subjects', subjects), ...peerPaths(spec).flatMap(({ path, peer }) => own(path, peer))];
};

export const directionMembers = { Ingress: ['ingress', 'from'], Egress: ['egress', 'to'] } as const satisfies Record<Direction, readonly [string, string]>;

export const peerPaths = (spec: SecurityPolicySpec): { readonly path: string; readonly peer: Peer }[] =>
  (['Ingress', 'Egress'] as const).flatMap((direction) => {
    const [list, member] = directionMembers[direction];
    return rulesOf(spec, direction).flatMap(({ peers: given = [] }, rule) =>
      given.map((peer, index) => ({ path: `spec.${list}[${rule}].${member}[${index}]`, peer })));
  });

/** Rules multiplied out, peers times ports, and one a direction for what is denied: what they take of a device's filters. */
export const entriesOf = (spec: SecurityPolicySpec & { readonly directions: readonly Direction[] }): number =>
  spec.directions.reduce((sum, direction) => {
    const rules = rulesOf(spec, direction).map(({ peers, ports }) => Math.max(1, peers?.length ?? 1) * Math.max(1, ports?.length ?? 1));
    return rules.reduce((total, entries) => total + entries, sum + 1);
  }, 0);
