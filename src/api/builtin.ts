/**
 * Objects that the server creates at its first start. Only what describes devices as such: a Fabric and an AddressSpace say
 * how an operator's network is numbered, and nobody can know that for them.
 */
import { builtinProfiles } from './profiles.ts';
import type { Resource } from './object.ts';

export const builtinObjects: readonly Resource[] = builtinProfiles;
