/** Hears everything that the API says of a kind. */
import type { ResourceClient } from '../api/client.ts';
import type { Resource } from '../api/object.ts';
import { HeddleError } from '../kit/error.ts';

/** Every state of every object of a kind, until the signal aborts. */
export const follow = async (
  client: ResourceClient,
  kind: string,
  signal: AbortSignal,
  onObject: (object: Resource) => void,
): Promise<void> => {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await client.list(kind);
      for (const item of items) onObject(item);
      for await (const event of client.watch(kind, resourceVersion, signal)) if (event.type !== 'BOOKMARK') onObject(event.object);
    } catch (thrown) {
      if (!signal.aborted && HeddleError.from(thrown).code !== 'Expired') throw thrown;
    }
  }
};
