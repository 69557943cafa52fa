/** Which addresses a device is asked to probe, as they travel in a ProbeRequest. */
import type { Address } from '../net/brand.ts';
import { parseAddress } from '../net/address.ts';
import type { ProbeRequest } from './gen/heddle/agent/v1/agent_pb.ts';

const mostTargets = 16;

/** At most 16; what is no address is left out. */
export const probeTargets = ({ targets }: Pick<ProbeRequest, 'targets'>): readonly Address[] =>
  targets.slice(0, mostTargets).flatMap((text) => {
    const parsed = parseAddress(text);
    return parsed.ok ? [parsed.value] : [];
  });
