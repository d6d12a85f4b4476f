/**
 * Empties the outbox while this client is up: rights for the ledger, pictures for viewers, deliveries to be written
 * into the log. A viewer who is back, by the directory's word, is tried at once. docs/architecture.md, "The outbox".
 */
import pLimit from 'p-limit';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import type { Given, OutboxItem } from '../vault/records.js';
import type { Changes } from './changes.js';
import type { Deliveries } from './deliveries.js';
import type { Workings } from './workings.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Errands at once: a viewer who does not answer must not hold up the others. */
const errandsMax = 4;

export class Courier {
  readonly #workings: Workings;
  readonly #deliveries: Deliveries;
  readonly #changes: Changes;

  constructor(workings: Workings, deliveries: Deliveries, changes: Changes) {
    this.#workings = workings;
    this.#deliveries = deliveries;
    this.#changes = changes;
  }

  /** Until `signal`. */
  async run(signal: AbortSignal): Promise<void> {
    const { edge, periods, tell } = this.#workings;
    while (!signal.aborted) {
      try {
        // Without the cloud nobody is heard of; what is due is tried all the same, where the viewer was last.
        await this.#wakeReturned().catch((error: unknown) => {
          if (!(error instanceof Unreachable)) throw error;
        });
        await this.round();
      } catch (error) {
        if (!(error instanceof Unreachable)) tell(`the outbox stopped for now: ${String(error)}`);
      }
      await edge.sleep(periods.awayPollMs, signal);
    }
  }

  /** Tries once all that is due. */
  async round(): Promise<void> {
    const { vault, edge } = this.#workings;
    const limit = pLimit(errandsMax);
    const due = vault.outbox.due(edge.clock()).filter((item) => !this.#deliveries.isUnderWay(item.grantId));
    await Promise.all(due.map((item) => limit(() => this.#run(item))));
  }

  async #run(item: OutboxItem): Promise<void> {
    const { vault, edge } = this.#workings;
    const given = vault.given.get(item.grantId);
    try {
      const error = given ? await this.#try(item, given) : undefined;
      if (error === undefined) vault.outbox.done(item.id);
      else vault.outbox.failed(item.id, error, edge.clock(), edge.random());
    } catch (error) {
      // One errand's failure, a full disk or a missing file too, must not stop the others.
      vault.outbox.failed(
        item.id,
        error instanceof Error ? error.message : String(error),
        edge.clock(),
        edge.random(),
      );
    }
  }

  /** Why it is not done yet; undefined: done. */
  async #try(item: OutboxItem, given: Given): Promise<string | undefined> {
    switch (item.kind) {
      case 'rights-put':
        await this.#changes.settle(given);
        return undefined;
      case 'report-delivery':
        if (given.snapshot) await this.#workings.cloud.recordDelivery(given.grantId, given.snapshot);
        return undefined;
      case 'deliver': {
        if (this.#deliveries.isUnderWay(given.grantId)) return 'it is on its way on another stream';
        const { delivery, error } = await this.#deliveries.send(given);
        return delivery === 'delivered' ? undefined : (error ?? delivery);
      }
      default:
        return undefined;
    }
  }

  /** Whoever was away and attends again, or attends anew after not answering, is due now. */
  async #wakeReturned(): Promise<void> {
    const { vault, cloud, edge } = this.#workings;
    const nowMs = edge.clock();
    const later = vault.outbox.list().filter(({ kind, dueAtMs }) => kind === 'deliver' && dueAtMs > nowMs);
    const viewers = new Map(
      later.flatMap(({ grantId }) => {
        const viewer = vault.given.get(grantId)?.viewer;
        return viewer ? [[viewer.name, viewer] as const] : [];
      }),
    );
    for (const { name, fingerprint } of viewers.values()) {
      const entry = await cloud.lookUp(name).catch((error: unknown) => {
        if (error instanceof Refused) return undefined;
        throw error;
      });
      const heardOf = entry?.online === true && hex(entry.sessionId) !== this.#deliveries.deafSession(name);
      if (heardOf) vault.outbox.wakeViewer(fingerprint, edge.clock());
    }
  }
}
