/**
 * The order of the outbox: what supersedes what, what may go out now, and how long to wait after a failure.
 * docs/architecture.md, "The outbox".
 */

/** `rights-put` goes to the ledger, `deliver` to the viewer, `report-delivery` to the ledger's log. */
export type OutboxKind = 'rights-put' | 'deliver' | 'report-delivery';

/** What the rules look at. Ids rise in the order of queueing. */
export interface Queued {
  readonly id: number;
  readonly kind: OutboxKind;
  readonly grantId: Uint8Array;
  /** Version of the rights it carries or speaks of. */
  readonly version: number;
  readonly dueAtMs: number;
}

export const OUTBOX_BACKOFF = {
  /** After the first failure. Shorter tries a waking peer sooner, longer spares a sleeping one. */
  firstMs: 1_000,
  /** At most: who comes back is heard of through the cloud, so this is only the way round a deaf cloud. */
  longestMs: 5 * 60_000,
} as const;

/**
 * Rights are absolute state, so the newer of two of a kind says all that the older would have said. An equal
 * version supersedes too: the owner changed her mind before the ledger had it, or asked for the same again.
 */
export function supersedes(newer: Omit<Queued, 'id' | 'dueAtMs'>, older: Queued): boolean {
  return newer.kind === older.kind && sameGrant(newer, older) && newer.version >= older.version;
}

/** Nothing goes to the viewer, or into the log, before the ledger has the rights that it speaks of. */
function waitsFor(item: Queued, put: Queued): boolean {
  return (
    item.kind !== 'rights-put' &&
    put.kind === 'rights-put' &&
    sameGrant(item, put) &&
    item.version >= put.version
  );
}

/** What may be tried at `nowMs`, in the order of queueing. */
export function due<T extends Queued>(items: readonly T[], nowMs: number): T[] {
  return items
    .filter((item) => item.dueAtMs <= nowMs && !items.some((other) => waitsFor(item, other)))
    .sort((one, other) => one.id - other.id);
}

/**
 * The pause after the failure number `attempts` (from 1): doubled each time, cut at `longestMs`, and then
 * between half and all of it by `chance` in [0, 1), so that a crowd does not come back as one.
 */
export function backoffMs(attempts: number, chance: number): number {
  const full = Math.min(OUTBOX_BACKOFF.longestMs, OUTBOX_BACKOFF.firstMs * 2 ** Math.min(attempts - 1, 30));
  return Math.round(full * (0.5 + chance / 2));
}

function sameGrant(one: { readonly grantId: Uint8Array }, other: { readonly grantId: Uint8Array }): boolean {
  return (
    one.grantId.length === other.grantId.length &&
    one.grantId.every((byte, index) => byte === other.grantId[index])
  );
}
