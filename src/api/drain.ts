/**
 * A finalizer of Heddle's: a link between switches is not gone until traffic has been led around it. The controller puts it
 * on such Connections and takes it away when every device has acknowledged that the link is drained.
 */
import type { ObjectMeta } from './object.ts';

export const drainFinalizer = 'heddle.dev/drain';

export const isHeldForDrain = ({ finalizers }: ObjectMeta): boolean => finalizers?.includes(drainFinalizer) === true;

/** Being deleted, and still there because traffic is being led around it. */
export const isDraining = (metadata: ObjectMeta): boolean => metadata.deletionTimestamp !== undefined && isHeldForDrain(metadata);
