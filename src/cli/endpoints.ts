/** Addresses that the daemons listen on: read, written, and what a certificate says of them. */
import { hostname, networkInterfaces } from 'node:os';
import { HeddleError } from '../kit/error.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` or `[address]:port`. */
export const hostAndPort = (option: string, text: string): Endpoint => {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535) {
    throw new HeddleError('BadRequest', `${option} "${text}" is not an address; write it like 127.0.0.1:6443 or [::1]:6443`);
  }
  return { host, port };
};

export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Names that a certificate must have so that this host can be dialled: all of the machine's when it means "every address". */
export const namesOf = (host: string): readonly string[] => {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return [...new Set([hostname(), ...addresses.map(({ address }) => address.replace(/%.*$/, ''))])];
};

/** Says in words what the system says in codes when an address cannot be had; `what` is who wants it, `option` says so. */
export const listening = async <Value>(what: string, option: string, { host, port }: Endpoint, starting: Promise<Value>): Promise<Value> => {
  try {
    return await starting;
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? reasons.get(thrown.code) : undefined;
    if (reason === undefined) throw thrown;
    const message = `${what} cannot listen on "${bracketed(host)}:${port}": ${reason}; choose another address with ${option}`;
    throw new HeddleError('Unavailable', message, { cause: thrown });
  }
};

const reasons: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'another program listens there'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['ENOTFOUND', 'there is no host of that name'],
  ['EACCES', 'ports below 1024 are not for everybody'],
]);
