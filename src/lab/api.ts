/** What the lab needs of the resource API. Who connects is the caller's business: the lab is not tied to one client. */
import type { Resource } from '../api/object.ts';

export interface LabApi {
  /** Whether the control plane is up and answers; false while it cannot be reached. */
  ready(): Promise<boolean>;
  /** All objects of one of Heddle's kinds, over all namespaces. */
  list(kind: string): Promise<readonly Resource[]>;
  /** Makes the control plane hold these objects; `Invalid` with every finding when one is refused. */
  apply(objects: readonly Resource[]): Promise<void>;
  close(): void;
}

/** Opens the API that a kubeconfig file speaks of; throws while the file is not there. */
export type Connect = (kubeconfig: string) => LabApi;
