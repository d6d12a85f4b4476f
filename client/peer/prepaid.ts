/**
 * Unlocking views ahead, and telling the cloud later which of them were shown. docs/protocol.md, "Prepaid views".
 */
import { readRights } from '../../core/rights/signed.js';
import { proveLog } from '../../core/rights/log.js';
import { Refused } from '../../core/rpc/errors.js';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Rights } from '../../gen/glimpse/v1/rights_pb.js';
import { Mode } from '../../gen/glimpse/v1/rights_pb.js';
import type { FailoverOptions } from '../cloud/failover.js';
import { unlock } from '../cloud/unlock.js';
import type { Unlocked } from '../cloud/unlock.js';
import type { Held } from '../vault/records.js';
import type { HeldRights } from './held.js';
import { hex } from './lines.js';
import { statusOf } from './logs.js';
import { cloudNowMs } from './workings.js';
import type { Workings } from './workings.js';

/** What the cloud no longer wants to hear of. */
const over: ReadonlySet<Reason> = new Set([Reason.UNKNOWN_VIEW, Reason.UNKNOWN_GRANT, Reason.NOT_YOURS]);

/** Tells the cloud which prepaid views were shown. @throws Unreachable: they are told another time */
export async function tellShown({ vault, cloud }: Workings, options?: FailoverOptions): Promise<void> {
  for (const { grantId, viewId } of vault.prepaid.shown()) {
    try {
      await cloud.call((at, each) => at.stego.confirmView({ grantId, viewId }, each), options);
    } catch (error) {
      if (!(error instanceof Refused) || !over.has(error.reason)) throw error;
    }
    vault.prepaid.forget([viewId]);
  }
}

export class PrepaidViews {
  readonly #workings: Workings;
  readonly #heldRights: HeldRights;

  constructor(workings: Workings, heldRights: HeldRights) {
    this.#workings = workings;
    this.#heldRights = heldRights;
  }

  /**
   * Unlocks so many views ahead: charged at once, and durable here on return. A batch whose answer was lost is
   * asked for again instead, as long as servers repeat it. Returns how many were unlocked.
   * @throws Refused INVALID_REQUEST for a strict grant, VIEWS_SPENT, LIMIT_EXCEEDED, REVOKED, EXPIRED; Unreachable
   */
  async prepay(held: Held, views: number): Promise<number> {
    const { vault } = this.#workings;
    const { grantId } = held;
    await tellShown(this.#workings);
    const rights = await this.#current(held);
    const { sealId } = rights;
    const asked = vault.prepaid.asked(grantId, sealId);
    const unlocked = await this.#unlock(rights, asked && { ...asked, begunAtMs: asked.askedAtMs }, views);
    vault.transact(() => {
      vault.prepaid.keep(grantId, sealId, unlocked.cloudKey, unlocked.used);
      // The servers took the time in the ids for theirs.
      vault.prepaid.markClock(cloudNowMs(this.#workings), { certain: true });
    });
    return unlocked.viewIds.length;
  }

  /**
   * For whenever the cloud is met: tells what was shown, takes the rights of now, and drops views that were shown
   * by another copy of this vault. @throws Unreachable
   */
  async settle(): Promise<void> {
    const { vault, cloud } = this.#workings;
    await tellShown(this.#workings);
    for (const grantId of vault.prepaid.grants()) {
      const held = vault.held.get(grantId);
      if (!held) {
        vault.prepaid.drop(grantId);
        continue;
      }
      await this.#current(held, { strict: true });
      const { entries, head } = await cloud.readLog(grantId);
      const shown = proveLog(entries, head).entries.filter(({ event }) => event === LogEvent.CONFIRMED);
      vault.prepaid.forget(shown.map(({ viewId }) => viewId));
    }
  }

  /** The ledger's rights, which this client holds from now on. */
  async #current(held: Held, { strict = false } = {}): Promise<Rights> {
    const { vault } = this.#workings;
    const status = (await statusOf([held.grantId], this.#workings)).get(hex(held.grantId));
    if (status?.closed) vault.prepaid.drop(held.grantId);
    if (status?.signedRights) this.#heldRights.take(status.signedRights, held.owner.keys);
    const rights = readRights(vault.held.get(held.grantId)!.signedRights);
    if (rights.mode === Mode.PREPAID || strict) return rights;
    throw new Refused(
      Reason.INVALID_REQUEST,
      `The grant is strict: every view is unlocked at the cloud. Ask ${held.owner.name} for prepaid views.`,
    );
  }

  #unlock(
    { grantId, sealId }: Rights,
    begun: { readonly viewIds: readonly Uint8Array[]; readonly begunAtMs: number } | undefined,
    views: number,
  ): Promise<Unlocked> {
    const { vault, cloud, edge } = this.#workings;
    return unlock(
      cloud,
      { grantId, sealId },
      {
        views,
        clock: edge.clock,
        clockOffsetMs: vault.identity.get()?.membership?.clockOffsetMs ?? 0,
        begun,
        begin: ({ viewIds, begunAtMs }) =>
          vault.prepaid.ask(grantId, sealId, { viewIds, askedAtMs: begunAtMs }),
        refused: () => vault.prepaid.unask(grantId),
        correct: (clockOffsetMs) => vault.identity.heard(cloud.servers, clockOffsetMs),
      },
    );
  }
}
