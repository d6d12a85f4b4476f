/**
 * The history of a run: every operation of every client, from when it was asked for to when its answer came. The
 * checker reads this and nothing else. docs/reliability.md, "The history".
 */

/** What a person asked a client for. */
export type Action =
  | { readonly type: 'share'; readonly viewer: string; readonly photo: string; readonly views: number }
  | { readonly type: 'request'; readonly owner: string; readonly photo: string }
  | { readonly type: 'view'; readonly grant: string }
  | {
      readonly type: 'change';
      readonly viewer: string;
      readonly grant: string;
      readonly change: Change;
    }
  /** The owner looks at what she gave, the viewer at what he holds. */
  | { readonly type: 'shared' }
  | { readonly type: 'inbox' };

/** A change of rights: exactly one of them. */
export interface Change {
  readonly views?: number;
  readonly add?: number;
  readonly revoke?: true;
}

/** A grant that came to be: who may view what of whom, and how often at first. */
export interface Begun {
  readonly grant: string;
  readonly owner: string;
  readonly viewer: string;
  readonly photo: string;
  readonly quota: number;
}

export interface GivenState {
  readonly grant: string;
  /** Null where the ledger could not be asked. */
  readonly used: number | null;
  readonly quota: number;
  readonly revoked: boolean;
  readonly version: number;
  /** The version that the viewer acknowledged. */
  readonly taken: number | null;
  readonly pending: boolean;
  readonly delivered: boolean;
}

export interface HeldState {
  readonly grant: string;
  readonly version: number;
  /** The file is there. */
  readonly isThere: boolean;
}

/** What an answer said. */
export type Answer =
  | { readonly type: 'granted'; readonly begun: Begun; readonly delivered: boolean }
  /** `pending`: the ledger does not have it yet, and will. */
  | {
      readonly type: 'changed';
      readonly quota: number;
      readonly revoked: boolean;
      readonly version: number;
      readonly pending: boolean;
    }
  /** `digest`: of what was shown; undefined: nobody looked. */
  | { readonly type: 'viewed'; readonly remaining: number; readonly digest?: string }
  | { readonly type: 'given'; readonly grants: readonly GivenState[] }
  | { readonly type: 'held'; readonly grants: readonly HeldState[] };

export type Outcome =
  | { readonly type: 'ok'; readonly answer: Answer }
  /** Refused for good, and nothing was done. */
  | { readonly type: 'refused'; readonly reason: 'VIEWS_SPENT' | 'REVOKED' | 'UNKNOWN_GRANT' }
  /** Nobody knows whether it was done, or whether it will be. */
  | { readonly type: 'maybe'; readonly why: string };

export interface Operation {
  readonly number: number;
  /** The client that was asked. */
  readonly client: string;
  readonly action: Action;
  /** Since the run began. */
  readonly beganMs: number;
  readonly endedMs: number;
  readonly outcome: Outcome;
}

/** What one log entry says, in the order of the log. */
export interface LoggedEvent {
  readonly event: string;
  readonly version: number;
  /** Views left afterwards. */
  readonly remaining: number;
  /** Empty for what is not about a view. */
  readonly view: string;
}

/** What is there when everything is healed and nothing waits any more. */
export interface Ending {
  /** By grant: its log; undefined: it could not be read. */
  readonly logs: ReadonlyMap<string, FinalLog | undefined>;
  /** The last look of every owner, and of every viewer. */
  readonly given: ReadonlyMap<string, GivenState>;
  readonly held: ReadonlyMap<string, HeldState>;
  /** By grant: what came of viewing it once more, when nothing was wrong any more; undefined: nobody was there. */
  readonly opened: ReadonlyMap<string, Outcome | undefined>;
  /** Processes that ended though nobody ended them, and operations that never did. */
  readonly mishaps: readonly string[];
}

export interface FinalLog {
  readonly events: readonly LoggedEvent[];
  /** Null: nothing was removed, moved or changed. */
  readonly flaw: string | null;
}

/** One line for people. */
export function describe({ number, client, action, beganMs, endedMs, outcome }: Operation): string {
  const { type, ...about } = action;
  const end = outcome.type === 'ok' ? JSON.stringify(outcome.answer) : JSON.stringify(outcome);
  const asked = `${type} ${JSON.stringify(about)}`;
  return `#${number} ${beganMs.toFixed(0)}-${endedMs.toFixed(0)} ms ${client}: ${asked} -> ${end}`;
}
