/**
 * A finalizer of Heddle's: a link between switches is not gone until traffic has been led around it. The controller puts it
 * on such Connections and takes it away when every device has acknowledged that the link is drained. Devices that such Connections lead to have it too, until these have gone.
 */
import type { ConnectionSpec } from './kinds/connection.ts';
import type { ObjectMeta, Resource } from './object.ts';

export const drainFinalizer = 'heddle.dev/drain';

export const isHeldForDrain = ({ finalizers }: ObjectMeta): boolean => finalizers?.includes(drainFinalizer) === true;

/** Being deleted, and still there because traffic is being led around it. */
export const isDraining = (metadata: ObjectMeta): boolean => metadata.deletionTimestamp !== undefined && isHeldForDrain(metadata);

type Links = ConnectionSpec['links'];

/**
 * A Connection as the compiler is handed it while cables that its spec no longer names are drained: they are in a member of
 * the spec that nobody can write.
 */
export const withLeaving = (object: Resource, leaving: Links): Resource =>
  leaving.length === 0 ? object : ({ ...object, spec: { ...(object.spec as ConnectionSpec), leaving } } as Resource);

export const leavingOf = ({ spec }: Resource): Links => (spec as { readonly leaving?: Links }).leaving ?? [];
