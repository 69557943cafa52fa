/** Rules of a Switch: what is pinned can be used, and only a device with tenants has a VTEP. */
import type { Findings } from '../findings.ts';
import type { Subject } from '../kinds/define.ts';
import type { DefaultedSwitchSpec } from '../kinds/switch.ts';
import { usableAddress } from './addresses.ts';
import { immutable } from './immutable.ts';

export function switchRules({ spec, old }: Subject<DefaultedSwitchSpec>, found: Findings): void {
  const routerId = spec.routerID === undefined ? undefined : usableAddress('spec.routerID', spec.routerID, found);
  immutable('spec.fabric', old?.fabric, spec.fabric, found);
  if (spec.vtep === undefined) return;
  const vtep = usableAddress('spec.vtep', spec.vtep, found);
  if (spec.role === 'spine') {
    found.add('spec.vtep', 'NotAllowed', 'a spine carries no tenants and has no VTEP; remove this or make the switch a leaf');
  }
  if (vtep !== undefined && vtep === routerId) {
    found.add('spec.vtep', 'Duplicate', `"${vtep}" is the router id too; the two need addresses of their own`);
  }
}
