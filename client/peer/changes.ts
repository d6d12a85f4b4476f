/**
 * Changing a viewer's rights: signed over the ledger's, put into it, then told to the viewer. What the cloud cannot
 * take now waits; a version that lost is signed again over the one that won. docs/protocol.md, "Peers".
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { readRights, signRights } from '../../core/rights/signed.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Given } from '../vault/records.js';
import { dial } from './dial.js';
import type { Grants } from './grants.js';
import { PEER_LIMITS } from './limits.js';
import type { People } from './people.js';
import type { RightsChange, RightsState } from './rules/change.js';
import { applyChange, mergeChanges, modeOf, quotaAfter, quotaMax } from './rules/change.js';
import type { Workings } from './workings.js';

export interface Changed {
  readonly state: RightsState;
  /** `direct`: ledger and viewer have it; `held`: the ledger has it; `pending`: it waits for the cloud. */
  readonly delivered: 'direct' | 'held' | 'pending';
  /** The viewer has it. */
  readonly reached: boolean;
}

export class Changes {
  readonly #workings: Workings;
  readonly #people: People;
  readonly #grants: Grants;

  constructor(workings: Workings, people: People, grants: Grants) {
    this.#workings = workings;
    this.#people = people;
    this.#grants = grants;
  }

  /**
   * The wish is durable before anything is tried, so that it is fulfilled once, now or when the cloud is back.
   * @throws Refused INVALID_REQUEST when it asks for too many views, and nothing was changed; when the ledger does
   * not allow it: then nothing of it is left
   */
  async change({ grantId }: Given, change: RightsChange): Promise<Changed> {
    const { vault, edge } = this.#workings;
    vault.transact(() => {
      const given = vault.given.get(grantId)!;
      checkQuota(wishedState(given), change);
      const wish = wishOf(given);
      this.#remember(grantId, { ...wish, next: wish.next ? mergeChanges(wish.next, change) : change });
      vault.outbox.add({ kind: 'rights-put', grantId, version: given.currentVersion + 1 }, edge.clock());
    });
    try {
      const given = await this.settle(vault.given.get(grantId)!);
      const reached = await this.#push(given, given.current!);
      return { state: stateOf(readRights(given.current!)), delivered: reached ? 'direct' : 'held', reached };
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      const now = vault.given.get(grantId)!;
      // Peers exchange what is signed; it counts as soon as the ledger has it.
      const reached = now.pending !== undefined && (await this.#push(now, now.pending));
      const whole = wishOf(now).next === undefined;
      return { state: wishedState(now), delivered: 'pending', reached: reached && whole };
    }
  }

  /**
   * Brings into the ledger what is signed and pending, then what was wished since.
   * @throws Unreachable, and it waits on; Refused, and it is withdrawn
   */
  async settle(given: Given): Promise<Given> {
    let now = given;
    for (let put = 0; put < PEER_LIMITS.putsMax; put += 1) {
      if (now.currentVersion === 0) now = await this.#grants.register(now);
      else if (now.pending) now = await this.#putPending(now);
      else if (wishOf(now).next) now = this.#sign(now);
      else return now;
    }
    throw new Unreachable('The rights are being changed elsewhere just now: it is tried again.');
  }

  async #putPending(given: Given): Promise<Given> {
    const { cloud, vault } = this.#workings;
    const pending = given.pending!;
    try {
      await cloud.putRights(pending);
      return this.#settled(pending);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.reason === Reason.VERSION_CONFLICT)
        return this.#settled(this.#grants.currentOf(error, given.grantId));
      vault.given.withdraw(pending);
      throw error;
    }
  }

  /**
   * The ledger has `signedRights`. What was wished beside the pending version still is; if another version won, what
   * that one was signed for is as well. Looked up now and not before the ledger was asked: the outbox and a command
   * may settle the same version at once, and whoever comes second would wish again what was granted, and overtaken.
   */
  #settled(signedRights: SignedRights): Given {
    const { vault, edge } = this.#workings;
    return vault.transact(() => {
      const before = vault.given.get(readRights(signedRights).grantId)!;
      const { grantId, currentVersion, pending } = this.#grants.settled(signedRights)!;
      if (!before.pending || pending) return vault.given.get(grantId)!;
      const { signed, next } = wishOf(before);
      const lost = sameBytes(before.pending.rights, signedRights.rights) ? undefined : signed;
      const wished = lost && next ? mergeChanges(lost, next) : (lost ?? next);
      this.#remember(grantId, { next: wished });
      if (wished)
        vault.outbox.add({ kind: 'rights-put', grantId, version: currentVersion + 1 }, edge.clock());
      return vault.given.get(grantId)!;
    });
  }

  #sign({ grantId }: Given): Given {
    const { vault, self, edge } = this.#workings;
    return vault.transact(() => {
      // As it is now: another may have settled, signed or wished something since.
      const now = vault.given.get(grantId)!;
      const { next } = wishOf(now);
      if (now.pending || !next) return now;
      vault.given.propose(signRights(changedRights(readRights(now.current!), next), self.keys.signing));
      this.#remember(grantId, { signed: next });
      vault.outbox.add({ kind: 'rights-put', grantId, version: now.currentVersion + 1 }, edge.clock());
      return vault.given.get(grantId)!;
    });
  }

  #remember(grantId: Uint8Array, { signed, next }: Wish): void {
    const wish = signed || next ? JSON.stringify({ signed, next }) : undefined;
    this.#workings.vault.given.setWish(grantId, wish);
  }

  /** The viewer hears of it at once if it can be reached; otherwise the cloud holds it. Whether it was. */
  async #push(given: Given, signedRights: SignedRights): Promise<boolean> {
    const { periods } = this.#workings;
    const { version } = readRights(signedRights);
    try {
      const known = await this.#people.find(given.viewer.name);
      if (!sameBytes(known.contact.fingerprint, given.viewer.fingerprint)) return false;
      const dialled = dial(this.#workings, known);
      try {
        const options = { deadlineMs: periods.progressMs };
        const held = await dialled.peer.updateRights({ signedRights }, options);
        dialled.keep();
        return held.version >= version;
      } finally {
        dialled.close();
      }
    } catch (error) {
      if (error instanceof Refused || error instanceof Unreachable) return false;
      throw error;
    }
  }
}

/** What the owner wants beyond the ledger's rights. */
interface Wish {
  /** What the pending rights were signed for. */
  readonly signed?: RightsChange | undefined;
  /** What is to be signed after them. */
  readonly next?: RightsChange | undefined;
}

function wishOf({ wish }: Given): Wish {
  return wish === undefined ? {} : (JSON.parse(wish) as Wish);
}

/** What the rights will be once everything that waits has gone through. */
export function wishedState(given: Given): RightsState {
  const signed = stateOf(readRights((given.pending ?? given.current)!));
  const { next } = wishOf(given);
  return next ? applyChange(signed, next) : signed;
}

/** @throws Refused INVALID_REQUEST for views that no rights can have */
export function checkChange({ views, add }: RightsChange): void {
  for (const count of [views, add]) {
    if (count === undefined || (Number.isInteger(count) && count >= 0 && count <= quotaMax)) continue;
    throw new Refused(
      Reason.INVALID_REQUEST,
      `${count} is no number of views: give a whole number from 0 to ${quotaMax}.`,
    );
  }
}

/** @throws Refused INVALID_REQUEST for more views than rights can have */
function checkQuota(state: RightsState, change: RightsChange): void {
  const quota = quotaAfter(state, change);
  if (quota <= quotaMax) return;
  throw new Refused(
    Reason.INVALID_REQUEST,
    `That would be ${quota} views in all, and ${quotaMax} is the most: nothing was changed. Add at most ${quotaMax - state.quota}.`,
  );
}

export function stateOf(rights: Rights): RightsState {
  const { version, quota, revoked, expiresAt, batchViewsMax } = rights;
  return { version, quota, revoked, batchViewsMax, expiresAtMs: expiresAt ? timestampMs(expiresAt) : null };
}

function changedRights(rights: Rights, change: RightsChange): Rights {
  const { expiresAtMs, ...state } = applyChange(stateOf(rights), change);
  const { expiresAt: _before, ...rest } = rights;
  const expiry = expiresAtMs === null ? {} : { expiresAt: timestampFromMs(expiresAtMs) };
  return create(RightsSchema, { ...rest, ...state, mode: modeOf(state), ...expiry });
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
