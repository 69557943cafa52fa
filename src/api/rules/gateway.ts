/** Rules of a Gateway: what is pinned can be used. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedGatewaySpec } from '../kinds/gateway.ts';
import { usableAddress } from './addresses.ts';
import { immutable } from './immutable.ts';

export function gatewayRules({ spec, old }: Subject<DefaultedGatewaySpec>, found: Findings): void {
  const [routerId, vtep] = (['routerID', 'vtep'] as const).map((field) => {
    const pinned = spec[field];
    return pinned === undefined ? undefined : usableAddress(`spec.${field}`, pinned, found);
  });
  immutable('spec.fabric', old?.fabric, spec.fabric, found);
  if (vtep === undefined || vtep !== routerId) return;
  found.add('spec.vtep', 'Duplicate', `"${vtep}" is the router id too; the two need addresses of their own`);
}
