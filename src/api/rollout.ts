/** What of a spec is rolled out: how a Fabric guards itself is about the controller, and no device hears of it. */
import { isJsonObject } from '../kit/json.ts';

const guards: ReadonlySet<string> = new Set(['rollout', 'safety', 'verification']);

/** A spec as devices meet it. */
export const rolledOutPart = (kind: string, spec: unknown): unknown =>
  kind === 'Fabric' && isJsonObject(spec) ? Object.fromEntries(Object.entries(spec).filter(([member]) => !guards.has(member))) : spec;

/** A former spec with what the present one says to the controller. */
export const setBack = (kind: string, former: unknown, present: unknown): unknown => {
  if (kind !== 'Fabric' || !isJsonObject(former) || !isJsonObject(present)) return former;
  return { ...(rolledOutPart(kind, former) as object), ...Object.fromEntries(Object.entries(present).filter(([member]) => guards.has(member))) };
};
