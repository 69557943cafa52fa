/** What the parts of an installation on a cluster are called, for those who name each other. */
export interface ManifestOptions {
  readonly namespace: string;
  readonly image: string;
  /** Names and addresses by which devices reach the southbound Service from outside. */
  readonly southboundNames: readonly string[];
}

export const controllerName = 'heddle-controller';
export const leaseName = 'heddle-controller';
export const secretName = 'heddle-southbound';
export const serviceName = 'heddle-southbound';

export const southboundPort = 7443;
export const healthPort = 8080;

export const appLabels = { 'app.kubernetes.io/name': 'heddle', 'app.kubernetes.io/component': 'controller' } as const;
