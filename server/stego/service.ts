/** The Stego service: who calls, and what is done for them. proto/glimpse/v1/stego.proto. */
import type { Caller } from '../../core/identity/role.js';
import type { Allowed, Handlers } from '../../core/rpc/method.js';
import { stillAwaited } from '../../core/rpc/patience.js';
import type { Stego } from '../../gen/glimpse/v1/stego_pb.js';
import { Hiding } from './hide.js';
import type { HidingParts } from './hide.js';
import { unlock } from './unlock.js';
import type { ViewLedger } from './unlock.js';

export interface StegoParts extends HidingParts {
  /** Tells whose keys call. */
  readonly callers: { caller(caller: Caller): Promise<{ readonly fingerprint: Uint8Array }> };
  readonly ledger: ViewLedger;
}

export const STEGO_CALLERS: Allowed<typeof Stego> = {
  hide: ['client'],
  unlock: ['client'],
  confirmView: ['client'],
};

export function stegoHandlers(parts: StegoParts): Handlers<typeof Stego> {
  const { callers, ledger, secrets } = parts;
  const hiding = new Hiding(parts);
  return {
    async *hide(requests, { caller }) {
      const { fingerprint } = await callers.caller(caller);
      yield* hiding.hide(fingerprint, requests);
    },
    async unlock(request, { caller, signal }) {
      const viewer = await callers.caller(caller);
      await stillAwaited(signal);
      return unlock(ledger, secrets, viewer, request, signal);
    },
    async confirmView({ grantId, viewId }, { caller }) {
      await ledger.confirm(await callers.caller(caller), grantId, viewId);
      return {};
    },
  };
}
