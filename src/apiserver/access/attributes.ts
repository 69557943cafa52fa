/** What a request wants to do to what, as rules of access see it, and the answer to one that may not. */
import { HeddleError } from '../../kit/error.ts';
import type { User } from './user.ts';

/** A resource, or one object of it. */
export interface Target {
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  /** Empty: all namespaces, or a cluster-scoped kind. */
  readonly namespace: string;
  /** Empty: the collection. Lists and watches have the name that their field selector asks for. */
  readonly name: string;
}

export interface Attributes {
  readonly user: User;
  /** get list watch create update patch delete deletecollection; for other paths the method in lower case. */
  readonly verb: string;
  /** Absent for paths that are not resources. */
  readonly resource?: Target;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Which binding and role allow it; empty when nothing does. */
  readonly reason: string;
}

export type Authorize = (attributes: Attributes) => Decision;

/** The 403, its parts in the order that people and scripts look for. */
export const denied = ({ user, verb, resource, path }: Attributes): HeddleError => {
  if (resource === undefined) return new HeddleError('Forbidden', `forbidden: User "${user.name}" cannot ${verb} path "${path}"`);
  const { group, plural, subresource, namespace, name } = resource;
  const target = group === '' ? plural : `${plural}.${group}`;
  const object = name === '' ? target : `${target} "${name}"`;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const full = subresource === '' ? plural : `${plural}/${subresource}`;
  return new HeddleError('Forbidden', `${object} is forbidden: User "${user.name}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}`);
};
