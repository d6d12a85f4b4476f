/**
 * The mailbox: what the ledger has that a viewer has not acknowledged. It is an index over the ledger and no
 * second truth, so holding, superseding and deleting follow from it. Kept here is only which grants of a viewer
 * who attends may have news. docs/protocol.md, "Discovery".
 */
import { fromBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { RightsUpdateSchema } from '../../gen/glimpse/v1/discovery_pb.js';
import { RightsSchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Ledger, NewerRights } from '../ledger/ledger.js';
import { follow } from '../store/follow.js';
import type { Change, Store } from '../store/store.js';
import { DISCOVERY_LIMITS } from './limits.js';

const RIGHTS = 'rights/';

type Update = MessageInitShape<typeof RightsUpdateSchema>;

export class Mailbox {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #nowMs: () => number;
  readonly #open = new Map<string, Set<Mail>>();

  /** @param nowMs the monotonic clock */
  constructor(store: Store, ledger: Ledger, nowMs: () => number) {
    this.#store = store;
    this.#ledger = ledger;
    this.#nowMs = nowMs;
  }

  /** Notices rights as they are put, at whichever server, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const follower = {
      began: () => {
        for (const mails of this.#open.values()) for (const mail of mails) mail.lookThrough();
      },
      changed: (changes: readonly Change[]) => {
        for (const change of changes) if (change.type === 'put') this.#noticed(change.row.value);
      },
      broke: () => undefined,
    };
    await follow(this.#store, RIGHTS, follower, signal);
  }

  /** The mail of a viewer, by the fingerprint of its keys; `stir` is called when there may be some. */
  open(viewer: Uint8Array, stir: () => void): Mail {
    const key = hex(viewer);
    const mail = new Mail(this.#ledger, this.#nowMs, viewer, stir, () => this.#close(key, mail));
    const mails = this.#open.get(key);
    if (mails) mails.add(mail);
    else this.#open.set(key, new Set([mail]));
    return mail;
  }

  #noticed(signedRights: Uint8Array): void {
    const { rights } = fromBinary(SignedRightsSchema, signedRights);
    const { grantId, version, viewer } = fromBinary(RightsSchema, rights);
    for (const mail of this.#open.get(hex(viewer!.fingerprint)) ?? []) mail.hear(grantId, version);
  }

  #close(key: string, mail: Mail): void {
    const mails = this.#open.get(key);
    mails?.delete(mail);
    if (mails?.size === 0) this.#open.delete(key);
  }
}

/** A grant that may have newer rights, and when that is looked at. */
interface News {
  readonly grantId: Uint8Array;
  readonly dueMs: number;
}

/** What one attending viewer has not acknowledged, one grant after the other, each as it is when it is taken. */
export class Mail {
  readonly #ledger: Ledger;
  readonly #nowMs: () => number;
  readonly #viewer: Uint8Array;
  readonly #stir: () => void;
  readonly #closed: () => void;
  readonly #news = new Map<string, News>();
  /** One for all news that wait. */
  #timer: NodeJS.Timeout | undefined;
  /** Where looking through all grants of the viewer has come to; undefined when it is done. */
  #after: Uint8Array | undefined = new Uint8Array();
  #page: NewerRights[] = [];

  constructor(ledger: Ledger, nowMs: () => number, viewer: Uint8Array, stir: () => void, closed: () => void) {
    this.#ledger = ledger;
    this.#nowMs = nowMs;
    this.#viewer = viewer;
    this.#stir = stir;
    this.#closed = closed;
  }

  /** This version of a grant was put. The first is left to its picture for a while, a later one takes its place. */
  hear(grantId: Uint8Array, version: number): void {
    const dueMs = this.#nowMs() + (version === 1 ? DISCOVERY_LIMITS.firstVersionMs : 0);
    if (this.#news.size < DISCOVERY_LIMITS.newsMax) this.#news.set(hex(grantId), { grantId, dueMs });
    else this.#begin();
    this.#stir();
  }

  /** Any grant may have newer rights. */
  lookThrough(): void {
    this.#begin();
    this.#stir();
  }

  /** The next update, or undefined when there is none for now: it stirs when there may be. @throws StoreUnavailable */
  async next(): Promise<Update | undefined> {
    while (this.#after && this.#page.length === 0) await this.#turn(this.#after);
    const held = this.#page.shift();
    if (held) return held;
    for (const [key, { grantId, dueMs }] of this.#news) {
      if (dueMs > this.#nowMs()) continue;
      this.#news.delete(key);
      const newer = await this.#ledger.newer(this.#viewer, grantId);
      if (newer) return newer;
    }
    this.#stirLater();
    return undefined;
  }

  /** The viewer has this version, durably. @throws StoreUnavailable */
  async taken(grantId: Uint8Array, version: number): Promise<void> {
    await this.#ledger.acknowledge(this.#viewer, grantId, version);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#closed();
  }

  /** When the first of those that wait is due: all of them wait equally long. */
  #stirLater(): void {
    const [first] = this.#news.values();
    if (!first) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#stir();
    }, first.dueMs - this.#nowMs()).unref();
  }

  #begin(): void {
    this.#news.clear();
    this.#after = new Uint8Array();
  }

  async #turn(after: Uint8Array): Promise<void> {
    const { newer, next } = await this.#ledger.newerFor(this.#viewer, after);
    // Begun anew meanwhile: what was read comes again.
    if (this.#after !== after) return;
    this.#page = newer;
    this.#after = next;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
