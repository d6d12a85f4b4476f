/** What errors of the servers' own parts are to a caller; errors that are nobody's business are not here. */
import { FormatError } from '../core/format-error.js';
import { Refused } from '../core/rpc/errors.js';
import { Reason } from '../gen/glimpse/v1/error_pb.js';
import { StoreUnavailable } from './store/store.js';

export function asRefused(error: unknown): Refused | undefined {
  if (error instanceof StoreUnavailable) {
    return new Refused(
      Reason.STORE_UNAVAILABLE,
      `this server cannot use its store now: ask another (${error.message})`,
    );
  }
  if (error instanceof FormatError) return new Refused(Reason.INVALID_REQUEST, error.message);
  return undefined;
}
