/**
 * Unlock and ConfirmView: the ledger counts, and only then the cloud key is derived and released. Nobody can ask
 * for a key otherwise. docs/protocol.md, "Unlocking".
 */
import { cloudKey } from '../../core/seal/keys.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { UnlockRequest } from '../../gen/glimpse/v1/stego_pb.js';

interface Viewer {
  readonly fingerprint: Uint8Array;
}

/** What is used of the ledger. */
export interface ViewLedger {
  /** When this resolves, the view is durably spent. @throws Refused, and then nothing was spent */
  spend(
    viewer: Viewer,
    asked: {
      readonly grantId: Uint8Array;
      readonly viewIds: readonly Uint8Array[];
      readonly sealId: Uint8Array;
      /** Called with the rights before anything is spent; what it throws is thrown, and nothing is spent. */
      readonly ready: (rights: Rights) => void;
    },
  ): Promise<{ readonly signedRights: SignedRights; readonly rights: Rights; readonly used: number }>;
  /** @throws Refused */
  confirm(viewer: Viewer, grantId: Uint8Array, viewId: Uint8Array): Promise<void>;
}

/** A released key, and the rights as of the release. */
export interface Unlocked {
  readonly cloudKey: Uint8Array;
  readonly signedRights: SignedRights;
  readonly used: number;
}

/**
 * The key is bound to the owner and the image that the rights name, so rights of one's own making open nothing of
 * another's. A server that lacks their secret, because it was given the wrong files, spends nothing, and neither does
 * one whose caller has gone meanwhile: he has asked another server by then. @throws the signal's reason; as the ledger
 */
export async function unlock(
  ledger: ViewLedger,
  secrets: ReadonlyMap<number, Uint8Array>,
  viewer: Viewer,
  { grantId, viewIds, sealId }: UnlockRequest,
  signal: AbortSignal,
): Promise<Unlocked> {
  const secretOf = ({ secretId }: Rights): Uint8Array => {
    const secret = secrets.get(secretId);
    if (secret === undefined) throw new Error(`this server lacks secret ${secretId} of the cluster`);
    return secret;
  };
  const ready = (rights: Rights): void => {
    signal.throwIfAborted();
    secretOf(rights);
  };
  const asked = { grantId, viewIds, sealId, ready };
  const { signedRights, rights, used } = await ledger.spend(viewer, asked);
  const { imageId, owner } = rights;
  const key = cloudKey(secretOf(rights), {
    sealId: rights.sealId,
    ownerFingerprint: owner!.fingerprint,
    imageId,
  });
  return { cloudKey: key, signedRights, used };
}
