/**
 * The sessions of this server: each is a row on the server's lease for as long as its client attends. A client
 * that goes on attending touches no store. A row is removed only by whoever compares its session id.
 * docs/protocol.md, "Discovery".
 */
import { EventEmitter, once } from 'node:events';
import { create, toBinary } from '@bufbuild/protobuf';
import pRetry from 'p-retry';
import { Refused, tryLater } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { SessionRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { SessionRecord } from '../../gen/glimpse/v1/records_pb.js';
import type { ServerLease } from '../lease.js';
import { follow } from '../store/follow.js';
import { StoreUnavailable } from '../store/store.js';
import type { Change, Lease, Row, Store } from '../store/store.js';
import { NAMES, SESSIONS, keyReplaced, sameBytes, sessionOf, standingOf } from './directory.js';
import type { Standing } from './directory.js';
import { DISCOVERY_LIMITS } from './limits.js';
import { Session } from './session.js';

export interface SessionsOptions {
  readonly store: Store;
  readonly server: string;
  readonly lease: ServerLease;
  /** Draws a session id of 16 bytes. */
  readonly drawId: () => Uint8Array;
}

interface Held {
  readonly session: Session;
  /** The lease that its row was last written on. */
  lease: Lease | undefined;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #held = new Map<string, Held>();
  readonly #moved = new EventEmitter();
  #draining = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    options.lease.onGranted(() => void this.#placeAll());
  }

  /** Notices what others do to the rows of sessions held here, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const follower = {
      began: () => this.#placeAll(),
      changed: (changes: readonly Change[]) => {
        for (const change of changes) this.#noticed(change);
      },
      broke: () => undefined,
    };
    await follow(this.#options.store, SESSIONS, follower, signal);
  }

  /**
   * Makes the client present, in place of any earlier session of its name, until the session ends. Its row goes
   * then; if need be later, when the store can be reached again.
   * @throws Refused DRAINING, TRY_LATER, KEY_REPLACED; StoreUnavailable
   */
  async begin(standing: Standing, address: string): Promise<Session> {
    this.#admit(standing.name);
    const session = new Session(this.#options.drawId(), standing, address);
    const held: Held = { session, lease: undefined };
    const earlier = this.#held.get(standing.name)?.session;
    this.#held.set(standing.name, held);
    session.ended.addEventListener('abort', () => this.#over(session), { once: true });
    try {
      await this.#place(held, { takeOver: true });
    } catch (error) {
      session.end();
      throw error;
    } finally {
      // Not before the row is there: whoever is sent away looks up who attends instead, and goes on if it is himself.
      earlier?.end(attendedElsewhere(standing.name));
    }
    return session;
  }

  /** The session, if it is held here and lives. */
  find(name: string, id: Uint8Array): Session | undefined {
    const session = this.#held.get(name)?.session;
    return session && sameBytes(session.id, id) && !session.hasEnded() ? session : undefined;
  }

  /** The row of whoever is present under the name. @throws StoreUnavailable */
  async present(name: string): Promise<SessionRecord | undefined> {
    const row = await this.#options.store.get(SESSIONS + name);
    return row && sessionOf(row);
  }

  /** Removes the row of this very session, if it is still there. @throws StoreUnavailable */
  async remove(name: string, id: Uint8Array): Promise<void> {
    const key = SESSIONS + name;
    for (;;) {
      const row = await this.#options.store.get(key);
      if (!row || !sameBytes(sessionOf(row).sessionId, id)) return;
      const { ok } = await this.#options.store.transact(
        [{ key, revision: row.revision }],
        [{ type: 'delete', key }],
      );
      if (ok) return;
    }
  }

  /** A name stands differently now: whoever attends with a replaced key is sent away. */
  nameChanged(name: string, standing: Standing | undefined): void {
    const session = this.#held.get(name)?.session;
    if (session && !(standing && sameBytes(standing.fingerprint, session.standing.fingerprint))) {
      session.end(keyReplaced(name));
    }
  }

  /**
   * Admits nobody any more, tells everybody to attend elsewhere, and resolves when they do, or had the time to.
   * Until then their rows stay: somebody who moves is not offline.
   */
  async goodbye(): Promise<void> {
    this.#draining = true;
    for (const { session } of this.#held.values()) session.goodbye();
    if (this.#held.size === 0) return;
    const signal = AbortSignal.timeout(DISCOVERY_LIMITS.goodbyeMs);
    await once(this.#moved, 'all', { signal }).catch(() => undefined);
  }

  get count(): number {
    return this.#held.size;
  }

  #admit(name: string): void {
    if (this.#draining) throw new Refused(Reason.DRAINING, 'this server is stopping: attend at another');
    if (this.#held.size >= DISCOVERY_LIMITS.sessionsMax && !this.#held.has(name)) {
      const { sessionsMax, fullMs } = DISCOVERY_LIMITS;
      const what = 'this server is attended by as many as it can take: try another';
      throw tryLater(what, ['sessionsMax', sessionsMax], fullMs);
    }
  }

  #over(session: Session): void {
    if (this.#draining) return;
    if (this.#held.get(session.name)?.session === session) this.#held.delete(session.name);
    void this.#removeSurely(session);
  }

  #noticed(change: Change): void {
    const key = change.type === 'put' ? change.row.key : change.key;
    const held = this.#held.get(key.slice(SESSIONS.length));
    // Without a lease its row is only being written.
    if (!held?.lease || (change.type === 'put' && isOf(held.session, change.row))) return;
    if (this.#draining) {
      this.#leaves(held.session);
      return;
    }
    void this.#placeAgain(held);
  }

  #leaves({ name }: Session): void {
    this.#held.delete(name);
    if (this.#held.size === 0) this.#moved.emit('all');
  }

  async #placeAll(): Promise<void> {
    const placed = [...this.#held.values()].filter(({ lease }) => lease);
    await Promise.all(placed.map((held) => this.#placeAgain(held)));
  }

  async #placeAgain(held: Held): Promise<void> {
    try {
      await this.#place(held, { takeOver: false });
    } catch (error) {
      if (error instanceof Refused) held.session.end(error);
      // The store comes back with a watch begun anew, or the lease is granted anew: both place all sessions again.
      else if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  async #place(held: Held, { takeOver }: { takeOver: boolean }): Promise<void> {
    const { store, lease } = this.#options;
    const { session } = held;
    const key = SESSIONS + session.name;
    for (let attempt = 0; attempt < DISCOVERY_LIMITS.attemptsMax; attempt += 1) {
      const [name, row] = await store.getAll([NAMES + session.name, key]);
      if (!name || !isStill(session.standing, name)) throw keyReplaced(session.name);
      const mine = row !== undefined && isOf(session, row);
      if (session.hasEnded() || (mine && held.lease === lease.current)) return;
      if (row && !mine && !takeOver) throw attendedElsewhere(session.name);
      const current = await lease.held();
      const { ok } = await store.transact(
        [
          { key: name.key, revision: name.revision },
          { key, revision: row?.revision ?? 0 },
        ],
        [{ type: 'put', key, value: this.#encode(session), lease: current }],
      );
      if (!ok) continue;
      held.lease = current;
      if (session.hasEnded()) void this.#removeSurely(session);
      return;
    }
    throw new StoreUnavailable(`the session of ${session.name} changes all the time: attend again`);
  }

  async #removeSurely(session: Session): Promise<void> {
    const { revoked } = this.#options.lease;
    try {
      await pRetry(() => this.remove(session.name, session.id), {
        retries: Number.POSITIVE_INFINITY,
        maxTimeout: 5000,
        randomize: true,
        signal: revoked,
        shouldRetry: ({ error }) => error instanceof StoreUnavailable,
      });
    } catch (error) {
      if (!revoked.aborted) throw error;
    }
  }

  #encode({ id, address, standing }: Session): Uint8Array {
    return toBinary(
      SessionRecordSchema,
      create(SessionRecordSchema, {
        sessionId: id,
        server: this.#options.server,
        address,
        fingerprint: standing.fingerprint,
      }),
    );
  }
}

function isOf(session: Session, row: Row): boolean {
  return sameBytes(sessionOf(row).sessionId, session.id);
}

function isStill(standing: Standing, row: Row): boolean {
  const now = standingOf(row);
  return now !== undefined && sameBytes(now.fingerprint, standing.fingerprint);
}

function attendedElsewhere(name: string): Refused {
  return new Refused(Reason.ATTENDED_ELSEWHERE, `${name} attends from somewhere else by now`);
}
