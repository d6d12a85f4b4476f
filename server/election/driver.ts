/**
 * Runs the ring's `step` in a server: feeds it messages, ticks and readings, and performs its effects over links,
 * tickets and promises. It decides nothing itself. docs/protocol.md, "The ring".
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Refused } from '../../core/rpc/errors.js';
import type { Identity } from '../../core/identity/tls.js';
import { MemberState } from '../../gen/glimpse/v1/election_pb.js';
import type {
  AnnounceResponseSchema,
  Epoch,
  Member,
  PassRequestSchema,
  PassResponseSchema,
  SignedTicket,
  Ticket,
  WatchResponse,
} from '../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Log } from '../log.js';
import type { Store } from '../store/store.js';
import { enter, followBook, signOff } from './address-book.js';
import type { Entry } from './address-book.js';
import { Link, LINK_LIMITS } from './link.js';
import { Outbox } from './outbox.js';
import { epochName } from './ring/epoch.js';
import { isUp, memberOf } from './ring/members.js';
import { admits } from './ring/requests.js';
import { requestKey } from './ring/state.js';
import type { Choose, Effect, Happening, Message, Reading, State } from './ring/state.js';
import { looksDifferent, statusOf } from './ring/status.js';
import { begin, step, viewOf, wakesAtMs } from './ring/step.js';
import { checkTicket, makeTicket } from './tickets.js';

export interface RingParts extends Entry {
  readonly store: Store;
  /** The server's, as of now: it may be renewed. */
  readonly identity: () => Identity;
  /** The cluster's, by their numbers. */
  readonly secrets: ReadonlyMap<number, Uint8Array>;
  readonly latestSecretId: number;
  /** The first reading; `sample` brings the others. */
  readonly reading: Reading;
  readonly log: Log;
  /** Any number: seeds the jitter of redialling. */
  readonly seed: number;
  /** Whom to elect; the least loaded, if not given. */
  readonly choose?: Choose | undefined;
}

export interface Asked {
  readonly requestId: Uint8Array;
  readonly ownerFingerprint: Uint8Array;
  readonly sealedBytes: number;
}

export interface Elected {
  readonly ticket: SignedTicket;
  readonly leader: string;
  readonly address: string;
}

type Answer = MessageInitShape<typeof PassResponseSchema>;
type Request = MessageInitShape<typeof PassRequestSchema>;
type Waiter = (outcome: Elected | Refused) => void;

/** How long a server that leaves waits for the token to be taken from it. */
const goodbyeMs = 1000;

export class Ring {
  readonly #parts: RingParts;
  readonly #links = new Map<string, Link>();
  readonly #answers = new Map<string, Outbox<Answer>>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #watchers = new Set<() => void>();
  readonly #ending = new AbortController();
  readonly #queue: Happening[] = [];
  #state: State;
  #stepping = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #departed: () => void = () => undefined;

  private constructor(parts: RingParts, incarnation: number) {
    const { id, address, reading, seed, choose } = parts;
    this.#parts = parts;
    this.#state = begin({ id, address, incarnation, atMs: nowMs(), reading, seed, choose });
  }

  /**
   * Enters the server into the address book and takes part in the ring. Its Election service must be served at
   * `address` by then. @throws StoreUnavailable
   */
  static async join(parts: RingParts): Promise<Ring> {
    const ring = new Ring(parts, await enter(parts.store, parts));
    ring.#follow();
    return ring;
  }

  /** Has a leader elected. @throws Refused NO_LEADER, DRAINING; the signal's reason */
  elect(asked: Asked, signal: AbortSignal): Promise<Elected> {
    const key = requestKey(asked.requestId, asked.ownerFingerprint);
    const waiters = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, waiters);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        waiters.delete(settle);
        if (waiters.size === 0 && this.#waiters.get(key) === waiters) this.#cancel(key);
        reject(signal.reason as Error);
      };
      const settle = (outcome: Elected | Refused): void => {
        signal.removeEventListener('abort', abort);
        if (outcome instanceof Refused) reject(outcome);
        else resolve(outcome);
      };
      waiters.add(settle);
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      else this.#happen({ type: 'elect', ...asked });
    });
  }

  /**
   * Takes a ticket, which is used up by that: its work is in flight until `end`.
   * @throws Refused BAD_TICKET, TICKET_STALE
   */
  begin(signed: SignedTicket, { ownerFingerprint, sealedBytes }: Omit<Asked, 'requestId'>): { end(): void } {
    const { id: leader, secrets } = this.#parts;
    const use = { secrets, leader, ownerFingerprint, sealedBytes, nowMs: nowMs() };
    const checked = checkTicket(signed, use);
    if (!checked.ok) throw refusedTicket(checked.reason);
    if (!admits(this.#state, checked.ticket, use.nowMs)) throw refusedTicket(Reason.TICKET_STALE);
    this.#happen({ type: 'began', ticket: checked.ticket });
    let ended = false;
    return {
      end: () => {
        if (!ended) this.#happen({ type: 'ended' });
        ended = true;
      },
    };
  }

  /** The ring as this server sees it. */
  status(): WatchResponse {
    return statusOf(this.#state);
  }

  /** Calls back when the ring looks different, until the signal aborts. */
  onChange(changed: () => void, signal: AbortSignal): void {
    this.#watchers.add(changed);
    signal.addEventListener('abort', () => this.#watchers.delete(changed), { once: true });
  }

  sample(reading: Reading): void {
    this.#happen({ type: 'sample', reading });
  }

  /** Is not elected from now on; what was granted is still worked on. */
  drain(): void {
    this.#happen({ type: 'drain' });
  }

  /** Leaves in good order: refuses what waits, hands the token on, says goodbye, signs off. */
  async leave(): Promise<void> {
    const { store, log } = this.#parts;
    const departed = new Promise<void>((resolve) => (this.#departed = resolve));
    this.#happen({ type: 'leave' });
    const late = new Promise<void>((resolve) => setTimeout(resolve, goodbyeMs).unref());
    await Promise.race([departed, late]);
    await signOff(store, this.#parts).catch((error: unknown) =>
      log('warn', 'could not sign off', { cause: String(error) }),
    );
    this.#close();
  }

  /** A member announces itself; returns this member's view. */
  announced(member: Member, epoch: Epoch): MessageInitShape<typeof AnnounceResponseSchema> {
    this.#happen({ type: 'announced', member, epoch });
    const { members, epoch: promised } = viewOf(this.#state);
    return { id: this.#parts.id, members: [...members], epoch: promised };
  }

  /** A member opened a stream: its messages go to `heard`, their answers come from the outbox. */
  accept(from: string): Outbox<Answer> {
    const answers = new Outbox<Answer>(LINK_LIMITS.unsentMax);
    this.#answers.get(from)?.end();
    this.#answers.set(from, answers);
    return answers;
  }

  heard(from: string, message: Message): void {
    this.#happen({ type: 'message', from, message });
  }

  #follow(): void {
    const { store, log } = this.#parts;
    const reader = {
      learned: (members: readonly Member[]) => this.#happen({ type: 'learned', members }),
      struck: (id: string) => {
        const member = memberOf(this.#state, id);
        if (!member || id === this.#parts.id) return;
        this.#happen({ type: 'learned', members: [{ ...member, state: MemberState.LEFT }] });
      },
      storeReachable: (reachable: boolean) => {
        log(reachable ? 'info' : 'warn', reachable ? 'store reachable' : 'store lost');
        this.#happen({ type: 'store', reachable });
      },
    };
    followBook(store, reader, this.#ending.signal).catch((error: unknown) => {
      log('error', 'address book lost', { cause: String(error) });
      this.#happen({ type: 'store', reachable: false });
    });
  }

  #close(): void {
    this.#ending.abort();
    clearTimeout(this.#timer);
    for (const link of this.#links.values()) link.hangUp();
    for (const answers of this.#answers.values()) answers.end();
  }

  #cancel(key: string): void {
    this.#waiters.delete(key);
    this.#happen({ type: 'cancel', key });
  }

  /** One event at a time: what happens while effects are performed waits its turn. */
  #happen(happening: Happening): void {
    this.#queue.push(happening);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#step(next);
    } finally {
      this.#stepping = false;
    }
    this.#wakeInTime();
  }

  #step(happening: Happening): void {
    const before = this.#state;
    const [after, effects] = step(before, { ...happening, atMs: nowMs() });
    this.#state = after;
    for (const effect of effects) this.#perform(effect);
    if (looksDifferent(before, after)) for (const changed of this.#watchers) changed();
  }

  #wakeInTime(): void {
    const atMs = wakesAtMs(this.#state);
    if (atMs === this.#timerAtMs || this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    if (atMs === Infinity) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = Infinity;
        this.#happen({ type: 'tick' });
      },
      Math.ceil(Math.max(0, atMs - nowMs())),
    );
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.message);
        break;
      case 'dial':
        this.#dial(effect.to, effect.address);
        break;
      case 'hangUp':
        this.#links.get(effect.to)?.hangUp();
        this.#links.delete(effect.to);
        break;
      case 'grant':
        this.#settle(effect.key, this.#elected(effect.ticket));
        break;
      case 'refuse':
        this.#settle(effect.key, refusedElection(effect.why));
        break;
      case 'mint':
        this.#parts.log('info', 'token minted', { epoch: epochName(effect.epoch), why: effect.why });
        break;
      case 'left':
        this.#departed();
    }
  }

  #send(to: string, message: Message): void {
    switch (message.case) {
      case 'taken':
      case 'entrusted':
      case 'pong':
        this.#answers.get(to)?.push({ message } satisfies Answer);
        break;
      default:
        this.#links.get(to)?.send({ message } satisfies Request);
    }
  }

  #dial(id: string, address: string): void {
    const { log, identity } = this.#parts;
    const { promised: epoch } = this.#state;
    const member = memberOf(this.#state, this.#parts.id)!;
    const link: Link = new Link(
      { id, address, identity: identity(), announcement: { member, epoch } },
      {
        up: (answer) => {
          log('info', 'link up', { to: id });
          this.#happen({ type: 'up', id, members: answer.members, epoch: answer.epoch! });
        },
        heard: (message) => this.heard(id, message),
        down: (cause) => {
          if (this.#links.get(id) !== link) return;
          this.#links.delete(id);
          if (isUp(this.#state, id)) log('info', 'link down', { to: id, cause: String(cause) });
          this.#happen({ type: 'down', id });
        },
      },
    );
    this.#links.set(id, link);
  }

  #elected(ticket: Ticket): Elected {
    const { secrets, latestSecretId: secretId } = this.#parts;
    const { leader } = ticket;
    const address = memberOf(this.#state, leader)?.address ?? '';
    return { ticket: makeTicket(ticket, { secretId, secret: secrets.get(secretId)! }), leader, address };
  }

  #settle(key: string, outcome: Elected | Refused): void {
    const waiters = this.#waiters.get(key);
    this.#waiters.delete(key);
    for (const settle of waiters ?? []) settle(outcome);
  }
}

/** Whole milliseconds since the Unix epoch by a clock that never goes back. */
function nowMs(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}

function refusedElection(why: Extract<Effect, { type: 'refuse' }>['why']): Refused {
  return why === 'draining'
    ? new Refused(Reason.DRAINING, 'This server is about to stop: ask another.')
    : new Refused(Reason.NO_LEADER, 'No leader could be elected in time: ask again, or another server.');
}

function refusedTicket(reason: Reason.BAD_TICKET | Reason.TICKET_STALE): Refused {
  return reason === Reason.TICKET_STALE
    ? new Refused(reason, 'The ticket is past its time, or was used already: have a leader elected again.')
    : new Refused(reason, 'The ticket is not for this server, this caller and this size.');
}
