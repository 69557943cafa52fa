/** What a URL path names: a collection, an object, a subresource, or nothing of a kind. */
import type { Scheme, ServedKind } from './scheme.ts';

export interface ResourceRoute {
  readonly served: ServedKind;
  /** Empty: all namespaces, or a cluster-scoped kind. */
  readonly namespace: string;
  /** Empty: the collection. */
  readonly name: string;
  readonly subresource: string;
}

/** Undefined when the path names no served resource. */
export const routeOf = (scheme: Scheme, path: string): ResourceRoute | undefined => {
  const segments = path.split('/').filter((segment) => segment !== '').map(decode);
  const [root, ...rest] = segments;
  if (root === 'api' && rest[0] !== undefined) return resourceOf(scheme, '', rest[0], rest.slice(1));
  if (root === 'apis' && rest[0] !== undefined && rest[1] !== undefined) return resourceOf(scheme, rest[0], rest[1], rest.slice(2));
  return undefined;
};

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

const resourceOf = (scheme: Scheme, group: string, version: string, segments: readonly string[]): ResourceRoute | undefined => {
  const [first = '', namespace = '', plural = '', name = '', subresource = ''] = segments;
  const inner = first === 'namespaces' && plural !== '' ? scheme.byResource(group, version, plural) : undefined;
  if (inner?.namespaced === true && segments.length <= 5) return known({ served: inner, namespace, name, subresource });
  const served = scheme.byResource(group, version, first);
  if (served === undefined || segments.length > 3) return undefined;
  const route = { served, namespace: '', name: segments[1] ?? '', subresource: segments[2] ?? '' };
  // An object of a namespaced kind has no name without its namespace.
  return served.namespaced && route.name !== '' ? undefined : known(route);
};

const known = (route: ResourceRoute): ResourceRoute | undefined =>
  route.subresource === '' || (route.subresource === 'status' && route.served.kind.hasStatus) || (route.subresource === 'finalize' && route.served.kind.finalizes === true) || isView(route) || isAction(route) ? route : undefined;

/** Whether it names something that takes a POST and that the store does not hold. */
export const isAction = ({ served, subresource }: ResourceRoute): boolean => Object.hasOwn(served.kind.actions ?? {}, subresource);

/** Whether it names something that can only be read and that the store does not hold. */
export const isView = ({ served, subresource }: ResourceRoute): boolean => Object.hasOwn(served.kind.views ?? {}, subresource);
