/**
 * What a member knows, what happens to it and what it answers: the types of the ring's `step`, and its limits.
 * docs/protocol.md, "The ring". All times are milliseconds since the Unix epoch by the member's own clock; it tells whole ones.
 */
import type {
  Epoch,
  Load,
  Member,
  PassRequest,
  PassResponse,
  Ticket,
  Token,
} from '../../../gen/glimpse/v1/election_pb.js';

/**
 * Keepalive: a killed neighbour's socket closes at once; a stopped one is silent for `pingMs / 2 + silentMs` on
 * average. Smaller sees it earlier and mistakes a busy neighbour for a dead one, which costs a new epoch.
 */
export const RING_LIMITS = {
  /** From a pong to the next ping. */
  pingMs: 200,
  /**
   * How long a ping, or a token that was passed, may go unanswered: `slowFactor` times the slowest pong of late, and
   * no less and no more than these. So a machine short of time is not torn by suspicion, and what is stopped is
   * still found within `pingMs + silentMsMax`.
   */
  silentMs: 300,
  silentMsMax: 600,
  slowFactor: 6,
  /** What remains of the slowest pong after each further one. */
  slowDecay: 0.9,
  /** How long a suspect may refute before it counts as dead. */
  suspicionMs: 3000,
  /** A wake-up later than this was the member's own sleep, not its neighbours' silence. */
  oversleptMs: 50,
  /** A lost Want is sent again after this; while there is trouble from `wantHurryMs` on, doubling up to this. */
  wantMs: 500,
  wantHurryMs: 20,
  /** Trouble lasts so long after a link was lost. */
  troubleMs: 1000,
  /** A request that waits longer is handed to another member: later than the silent are found, within a second. */
  entrustMs: 850,
  /** A request that waits longer is refused; its client has asked another server by then. */
  waitMs: 5000,
  /** Hide must begin within this of the grant; a lost grant's credit weighs on its leader for so long. */
  creditMs: 10_000,
  redialMsMin: 50,
  redialMsMax: 2000,
  /** A link that held so long is dialled again without delay. */
  stableMs: 5000,
  waitingMax: 1024,
  membersMax: 1024,
  creditsMax: 4096,
  givenMax: 4096,
  begunMax: 4096,
  hopMax: 0x7fff_ffff,
} as const;

/** A message of the ring: one case of PassRequest, or of the PassResponse that answers it. */
export type Message = Exclude<
  PassRequest['message'] | PassResponse['message'],
  { readonly case: undefined; readonly value?: undefined }
>;

/** This member's own measurements. docs/protocol.md, "Load". */
export interface Reading {
  readonly backgroundCores: number;
  readonly cores: number;
  readonly speed: number;
  readonly cpu: number;
}

/** The way to another member, `id`. */
export type Link = { readonly id: string; readonly failures: number } & (
  | {
      readonly phase: 'dialling';
      /** The member's when it was dialled; one that refuted since is not suspected for the failure. */
      readonly incarnation: number;
    }
  | { readonly phase: 'waiting'; readonly redialAtMs: number }
  | {
      readonly phase: 'up';
      readonly sinceMs: number;
      readonly sequence: number;
      readonly pingAtMs: number;
      /** When the ping under way was sent; undefined when none is. */
      readonly pingedAtMs: number | undefined;
      /** The slowest pong of late. */
      readonly slowestMs: number;
    }
);

/** A request that waits for the token. */
export interface Waiting {
  /** See requestKey. */
  readonly key: string;
  readonly requestId: Uint8Array;
  readonly ownerFingerprint: Uint8Array;
  readonly sealedBytes: number;
  /** The member that entrusted it; undefined: it was asked here. */
  readonly from: string | undefined;
  readonly sinceMs: number;
  /** When it is handed to another member. */
  readonly entrustAtMs: number;
  /** The members it was handed to. */
  readonly tried: readonly string[];
}

/** The token while it is here. */
export interface Held {
  readonly token: Token;
  /** Grants made at this hop. */
  readonly index: number;
}

/** The copy of a token that was passed, until TokenTaken. */
export interface Passed {
  readonly token: Token;
  readonly to: string;
  readonly silentAtMs: number;
}

/** A Want or a Claim under way. */
export interface Search {
  readonly claiming: boolean;
  /** Whose claims gave way to this one: the token is minted for them too. */
  readonly for: readonly string[];
  readonly tries: number;
  readonly retryAtMs: number;
}

/** What the member `id` last said of its load, directly. */
export interface Report {
  readonly id: string;
  readonly load: Load;
  /** Requests, in hex, whose credits are settled. */
  readonly begun: ReadonlySet<string>;
  /** The same as they came: a member mostly says what it said before. */
  readonly packed: Uint8Array;
}

/** A credit this member gave, until it hears that the leader settled it; its time may be over. */
export interface Given {
  readonly leader: string;
  readonly requestId: Uint8Array;
  readonly deadlineMs: number;
}

/** A ticket that was used here, remembered until its deadline. */
export interface Begun {
  /** In hex. */
  readonly requestId: string;
  readonly deadlineMs: number;
}

/**
 * Whom to elect, by the vector as it stands and the leader elected last: a member's id, or undefined for nobody.
 * The product's is `leastLoaded` (load.ts); it stands in the state so that others can be measured against it.
 */
export type Choose = (state: State, rows: readonly Load[], lastLeader: string) => string | undefined;

export interface State {
  readonly self: string;
  readonly choose: Choose;
  /** The incarnation this process started with: what it mints is told from what its former life minted. */
  readonly life: number;
  readonly nowMs: number;
  /** All members known, this one included, in the order of ids: the ring. */
  readonly members: readonly Member[];
  readonly suspectSinceMs: ReadonlyMap<string, number>;
  /** In no order, one for each member at most; `reports` likewise. */
  readonly links: readonly Link[];
  /** The members as they were when links were last made and dropped for them. */
  readonly linked: readonly Member[];
  /** Nothing is granted or passed on below this epoch, nor again at this hop of it. */
  readonly promised: Epoch;
  readonly promisedHop: number;
  readonly held: Held | undefined;
  readonly passed: Passed | undefined;
  readonly search: Search | undefined;
  readonly troubleUntilMs: number;
  readonly waiting: readonly Waiting[];
  readonly given: readonly Given[];
  /** The epoch whose vector has the credits of `given`. */
  readonly restored: Epoch;
  /** Hidings that began here, by the term of their ticket: a ticket is used once, and its credit is settled. */
  readonly begun: ReadonlyMap<string, Begun>;
  readonly inFlight: number;
  readonly granted: number;
  readonly reading: Reading;
  readonly reports: readonly Report[];
  /** The load vector as last seen. */
  readonly loads: readonly Load[];
  readonly lastLeader: string;
  readonly draining: boolean;
  readonly leaving: boolean;
  /** It left, and has said so. */
  readonly departed: boolean;
  readonly storeReachable: boolean;
  /** Seed of the next draw. */
  readonly random: number;
}

export type Happening =
  | { readonly type: 'tick' }
  | { readonly type: 'sample'; readonly reading: Reading }
  | {
      readonly type: 'elect';
      readonly requestId: Uint8Array;
      readonly ownerFingerprint: Uint8Array;
      readonly sealedBytes: number;
    }
  /** Nobody waits for the request any more. */
  | { readonly type: 'cancel'; readonly key: string }
  | { readonly type: 'message'; readonly from: string; readonly message: Message }
  /** The link to `id` is open; `members` and `epoch` are what `id` answered to Announce. */
  | { readonly type: 'up'; readonly id: string; readonly members: readonly Member[]; readonly epoch: Epoch }
  /** The link to `id` is lost, or could not be opened. */
  | { readonly type: 'down'; readonly id: string }
  /** `member` announced itself. */
  | { readonly type: 'announced'; readonly member: Member; readonly epoch: Epoch }
  /** The address book says so; a row that was deleted is a member that left. */
  | { readonly type: 'learned'; readonly members: readonly Member[] }
  /** A hiding began here with a ticket that `admits` let in. */
  | { readonly type: 'began'; readonly ticket: Ticket }
  /** A hiding ended here, well or not. */
  | { readonly type: 'ended' }
  | { readonly type: 'drain' }
  | { readonly type: 'store'; readonly reachable: boolean }
  | { readonly type: 'leave' };

export type Event = Happening & { readonly atMs: number };

export type Effect =
  | { readonly type: 'send'; readonly to: string; readonly message: Message }
  /** Open a link: answered by `up` or `down`, once. */
  | { readonly type: 'dial'; readonly to: string; readonly address: string }
  /** Close the link; no `down` follows. */
  | { readonly type: 'hangUp'; readonly to: string }
  | { readonly type: 'grant'; readonly key: string; readonly ticket: Ticket }
  | { readonly type: 'refuse'; readonly key: string; readonly why: 'no leader' | 'draining' }
  /** A token was minted: for the log. */
  | { readonly type: 'mint'; readonly epoch: Epoch; readonly why: string }
  /** The member may be stopped: it holds no token and has said goodbye. */
  | { readonly type: 'left' };

/** A state and what to do about it, in order. */
export type Outcome = readonly [State, readonly Effect[]];

/**
 * A copy to be changed by whoever made it, and by nobody after. Written out, since it is made at every step: spreading
 * so many fields takes several times as long.
 */
export function copyOf(state: State): { -readonly [field in keyof State]: State[field] } {
  return {
    self: state.self,
    choose: state.choose,
    life: state.life,
    nowMs: state.nowMs,
    members: state.members,
    suspectSinceMs: state.suspectSinceMs,
    links: state.links,
    linked: state.linked,
    promised: state.promised,
    promisedHop: state.promisedHop,
    held: state.held,
    passed: state.passed,
    search: state.search,
    troubleUntilMs: state.troubleUntilMs,
    waiting: state.waiting,
    given: state.given,
    restored: state.restored,
    begun: state.begun,
    inFlight: state.inFlight,
    granted: state.granted,
    reading: state.reading,
    reports: state.reports,
    loads: state.loads,
    lastLeader: state.lastLeader,
    draining: state.draining,
    leaving: state.leaving,
    departed: state.departed,
    storeReachable: state.storeReachable,
    random: state.random,
  };
}

/** A state that differs in these fields. All states are made by `copyOf`, so that the engine knows one shape of them. */
export function changed(state: State, fields: Partial<State>): State {
  return Object.assign(copyOf(state), fields);
}

/**
 * `rows` with `row` in place of the one with its id, or at the end. Not a Map: it is made anew for every ping, and an
 * array is copied in a fraction of the time.
 */
export function withRow<Row extends { readonly id: string }>(rows: readonly Row[], row: Row): readonly Row[] {
  const copy = rows.slice();
  const at = rows.findIndex(({ id }) => id === row.id);
  copy[at < 0 ? rows.length : at] = row;
  return copy;
}

export function withoutRow<Row extends { readonly id: string }>(
  rows: readonly Row[],
  gone: string,
): readonly Row[] {
  return rows.filter(({ id }) => id !== gone);
}

/** Goes on from an outcome, keeping its effects in front. */
export function andThen(outcome: Outcome, next: (state: State) => Outcome): Outcome {
  const effects = outcome[1];
  const further = next(outcome[0]);
  if (effects.length === 0) return further;
  const more = further[1];
  return [further[0], more.length === 0 ? effects : [...effects, ...more]];
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Names a waiting request: two owners may draw the same id. */
export function requestKey(requestId: Uint8Array, ownerFingerprint: Uint8Array): string {
  return `${hex(requestId)}/${hex(ownerFingerprint)}`;
}

/** A draw from [0, 1) and the seed of the next one (mulberry32). */
export function draw(seed: number): readonly [number, number] {
  const next = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(next ^ (next >>> 15), next | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return [((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296, next];
}
