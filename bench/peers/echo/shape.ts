/** What the two processes of the echo agree on: one bidirectional stream of bytes, and the numbers they tell each other. */

const asIs = (bytes: Buffer): Buffer => bytes;

/** The bytes go as they are: nothing is encoded or decoded, so what is measured is grpc-js, TLS and TCP. */
export const echoMethod = {
  path: '/echo.Echo/Sync',
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/** To the server's process. */
export type ToServer =
  | { readonly kind: 'listen'; readonly key: string; readonly certificate: string }
  | { readonly kind: 'round'; readonly streams: number; readonly bytes: number };

export type FromServer =
  | { readonly kind: 'listening'; readonly address: string }
  | { readonly kind: 'round'; readonly round: EchoRound };

export interface EchoRound {
  /** Milliseconds from the first write until half, 99 in 100, and all of the streams have answered. */
  readonly p50: number;
  readonly p99: number;
  readonly last: number;
  /** Milliseconds of the server process on a processor meanwhile. */
  readonly cpu: number;
}

/** To the clients' process. */
export interface ToClients {
  readonly address: string;
  readonly certificate: string;
  readonly streams: number;
}

/** Sent when every stream is up. */
export interface FromClients {
  readonly kind: 'connected';
}
