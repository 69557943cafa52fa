/** Where agents dial in, whoever leads: one listener that stays while the server takes office, loses it and takes it again. */
import { hkdfSync } from 'node:crypto';
import { HeddleError } from '../kit/error.ts';
import type { Logger } from '../kit/log.ts';
import { type Call, type CallHandlers, startGrpcServer, status } from './grpc.ts';
import { type KnownLeader, Lobby } from './lobby.ts';
import { methodPath } from './service.ts';
import { type TokenSecret, deviceOfToken } from './tokens.ts';

export interface EntranceOptions {
  /** `host:port` each; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** PEM. */
  readonly tls: { readonly key: string; readonly certificate: string };
  readonly tokenSecret: TokenSecret;
  readonly log: Logger;
}

export interface Entrance {
  /** What listens, as `host:port` with the port really taken. */
  readonly addresses: readonly string[];
  /** Connections whose TLS handshake is under way. */
  handshakes(): number;
  /** Calls that wait until somebody leads. */
  waiting(): number;
  /** This server leads: from now on calls are served, first those that wait. Answers what ends that and cuts all connections. */
  open(serve: (call: Call) => CallHandlers): () => void;
  /** Who leads while this server does not. */
  setLeader(leader: KnownLeader | undefined): void;
  close(): Promise<void>;
}

/** @throws HeddleError `Unavailable` when an address cannot be listened on. */
export const openEntrance = async (options: EntranceOptions): Promise<Entrance> => {
  const { listen, tls, tokenSecret, log } = options;
  let serve: ((call: Call) => CallHandlers) | undefined;
  const lobby = new Lobby({ admits: (call) => callerOf(call, tokenSecret, log) !== undefined });
  const grpc = await startGrpcServer({
    listen,
    tls,
    ticketKeys: ticketKeys(tokenSecret),
    path: methodPath,
    accept: (call) => (serve === undefined ? lobby.accept(call) : serve(call)),
    onFault: (peer, error) => log.error({ peer, error: faultText(error) }, 'serving a connection failed'),
  });
  return {
    addresses: grpc.addresses,
    handshakes: grpc.handshakes,
    waiting: () => lobby.size,
    open: (opened) => {
      serve = opened;
      lobby.moveTo(opened);
      return () => {
        if (serve !== opened) return;
        serve = undefined;
        grpc.dismiss();
      };
    },
    setLeader: (leader) => lobby.setLeader(leader),
    close: async () => {
      lobby.close();
      await grpc.close();
    },
  };
};

/** The device that the call's token was made for; otherwise the call is ended. */
export const callerOf = (call: Call, secret: TokenSecret, log: Logger): string | undefined => {
  const token = /^Bearer (.+)$/i.exec(call.metadata.get('authorization') ?? '')?.[1];
  const device = token === undefined ? undefined : deviceOfToken(secret, token);
  if (device !== undefined) return device;
  log.warn({ peer: call.peer }, 'device refused: token not valid');
  call.end(status.unauthenticated, 'the token is not valid: give the device the token of this control plane');
  return undefined;
};

/** The same after a restart and with every server of a cluster, so that thousands of devices resume their TLS sessions. */
const ticketKeys = (secret: TokenSecret): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, new Uint8Array(), 'heddle southbound session tickets', 48));

/** Where it happened, as it is a fault of ours. */
export const faultText = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : HeddleError.from(error).message);
