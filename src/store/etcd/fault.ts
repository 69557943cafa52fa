/**
 * What went wrong with a call of etcd, and what it means to who uses the store.
 *
 * Status codes: https://grpc.github.io/grpc/core/md_doc_statuscodes.html; etcd's sentences: its package rpctypes.
 */
import { HeddleError } from '../../kit/error.ts';

export const statusCodes = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** How far a call came: etcd answered it, it may have arrived or not, or it never left. */
export type Reach = 'answered' | 'sent' | 'not sent';

export class GrpcFault extends Error {
  readonly status: number;
  readonly reach: Reach;

  constructor(status: number, message: string, reach: Reach) {
    super(message);
    this.name = 'GrpcFault';
    this.status = status;
    this.reach = reach;
  }

  get isAnswer(): boolean {
    return this.reach === 'answered';
  }

  /** Another try, perhaps at another member, may succeed. */
  get isPassing(): boolean {
    if (this.isStaleToken) return true;
    return (this.status === statusCodes.unavailable || this.status === statusCodes.deadlineExceeded) && !isTlsRefusal(this.message);
  }

  /** Whether it is certain that the call had no effect and will have none. */
  get isUnapplied(): boolean {
    if (this.reach === 'not sent') return true;
    if (this.reach === 'sent') return false;
    // A member without a leader refuses at the door; other words of unavailability may come after the proposal was made.
    return !this.isPassing || this.isStaleToken || this.message === 'etcdserver: no leader';
  }

  /** Tokens end with time and with changes of users. */
  get isStaleToken(): boolean {
    return (this.status === statusCodes.unauthenticated && this.message.includes('invalid auth token')) || this.message.includes('auth store is old');
  }
}

/** One side does not accept the other's certificate: nothing that passes by itself. */
export const isTlsRefusal = (reason: string): boolean => /certificate|ssl routines|altname/i.test(reason);

/** In the terms of the store. */
export const errorOf = (thrown: unknown): HeddleError => {
  if (!(thrown instanceof GrpcFault)) return HeddleError.from(thrown);
  const { status, message } = thrown;
  const error = (code: ConstructorParameters<typeof HeddleError>[0], says: string): HeddleError => new HeddleError(code, says, { cause: thrown });
  if (message.includes('database space exceeded')) {
    return error('InsufficientStorage', 'etcd has no room left and takes no writes: compact and defragment it, then "etcdctl alarm disarm"; what is stored can be read meanwhile');
  }
  if (message.includes('too large') || message.includes('larger than max')) {
    return error('TooLarge', 'the object is larger than etcd takes (--max-request-bytes, 1.5 MiB if not set)');
  }
  if (message.includes('required revision has been compacted')) return error('Expired', 'the revision was compacted: list again');
  if (message.includes('required revision is a future revision')) return error('BadRequest', 'the revision does not exist yet');
  if (message.includes('too many operations')) return error('BadRequest', 'the commit writes more keys at once than etcd takes (--max-txn-ops, 128 if not set)');
  if (status === statusCodes.resourceExhausted) return error('TooManyRequests', `etcd is overloaded: ${message}`);
  if (message.includes('authentication failed')) return error('Unavailable', 'etcd does not accept the user name and password');
  if (status === statusCodes.permissionDenied || status === statusCodes.unauthenticated || message.includes('user name is empty')) {
    return error('Unavailable', `etcd does not allow this user what the store needs: ${message}`);
  }
  return error('Unavailable', `etcd does not answer: ${message}`);
};
