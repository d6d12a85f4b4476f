/**
 * What a failed call to etcd means. etcd says it in the status's text, which is part of its API (rpctypes), as its
 * codes are too coarse: "no leader" means that nothing was done, "request timed out" that nobody knows.
 */
import { status } from '@grpc/grpc-js';
import { StoreUnavailable } from '../store.js';

/**
 * `not-done`: try again elsewhere. `unknown`: it may have been done. `signed-out`: sign in and try again.
 * `lease-ended`, `compacted`, `refused`: it was not done and trying again is of no use.
 */
export type FailureType = 'not-done' | 'unknown' | 'signed-out' | 'lease-ended' | 'compacted' | 'refused';

/** StoreUnavailable to callers; the engine looks at its type. */
export class EtcdFailure extends StoreUnavailable {
  readonly type: FailureType;

  constructor(type: FailureType, message: string, options?: ErrorOptions) {
    super(message, options);
    this.type = type;
  }
}

const said: readonly (readonly [text: string, type: FailureType, message?: string])[] = [
  ['etcdserver: no leader', 'not-done'],
  ['etcdserver: too many requests', 'not-done'],
  ['etcdserver: invalid auth token', 'signed-out'],
  ['etcdserver: revision of auth store is old', 'signed-out'],
  [
    'etcdserver: requested lease not found',
    'lease-ended',
    'the lease of this write has ended: grant another and write again',
  ],
  ['etcdserver: mvcc: required revision has been compacted', 'compacted'],
  [
    'etcdserver: mvcc: database space exceeded',
    'refused',
    'etcd’s database is full: compact and defragment it, raise its quota, then `etcdctl alarm disarm`',
  ],
  ['etcdserver: user name is empty', 'refused', 'etcd asks who this is: name a user with --store-user'],
  [
    'etcdserver: authentication failed, invalid user ID or password',
    'refused',
    'etcd does not accept this user and password: check the file given with --store-user',
  ],
  [
    'etcdserver: permission denied',
    'refused',
    'etcd does not let this user read and write here: grant its role readwrite on the prefix of --store',
  ],
  [
    'etcdserver: authentication is not enabled',
    'refused',
    'etcd does not know users: leave out --store-user, or enable authentication there',
  ],
];

const unanswered = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.UNKNOWN]);

/** `code` and `details` of a gRPC status. */
export function failureOf(code: status, details: string, cause?: unknown): EtcdFailure {
  const known = said.find(([text]) => details === text);
  if (known) return new EtcdFailure(known[1], known[2] ?? `${known[0]}; try again`, { cause });
  if (unanswered.has(code) || details.startsWith('etcdserver: request timed out')) {
    return new EtcdFailure('unknown', `etcd did not answer (${details}): try again`, { cause });
  }
  return new EtcdFailure('refused', `etcd refuses: ${details}`, { cause });
}
