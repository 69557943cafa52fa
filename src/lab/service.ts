/** What is tried between two ends, in a check of the lab as in a story. Pure. */
export type Protocol = 'icmp' | 'tcp' | 'udp';
export type Family = 4 | 6;

/** `port` is that of the destination, of TCP and UDP. */
export interface Service {
  readonly family: Family;
  readonly proto: Protocol;
  readonly port?: number;
}

/** `oneway`: it arrives, and no answer comes back. */
export type Verdict = 'allow' | 'deny' | 'oneway';

/** Ports that are tried when nobody names one. */
export const usualPorts = { tcp: 80, udp: 53 } as const;

export const formatService = ({ family, proto, port }: Service): string =>
  `${proto}${family === 6 ? '6' : ''}${port === undefined ? '' : `/${port}`}`;

export const familyOfText = (address: string): Family => (address.includes(':') ? 6 : 4);
