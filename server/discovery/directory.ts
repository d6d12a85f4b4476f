/**
 * The directory: names, their current keys, and whether they are online. Answers come from the store; a watched
 * cache of keys spares asking it on every call. Registering a name is enrolment's. docs/protocol.md, "Discovery".
 */
import { create, fromBinary } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import { fingerprintOf } from '../../core/identity/keys.js';
import type { Caller } from '../../core/identity/role.js';
import { Refused } from '../../core/rpc/errors.js';
import { EntrySchema } from '../../gen/glimpse/v1/discovery_pb.js';
import type { Entry } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { NameRecordSchema, SessionRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { NameRecord, SessionRecord } from '../../gen/glimpse/v1/records_pb.js';
import type { KeyBundle } from '../../gen/glimpse/v1/rights_pb.js';
import { follow } from '../store/follow.js';
import { StoreUnavailable } from '../store/store.js';
import type { Change, Row, Store } from '../store/store.js';
import { DISCOVERY_LIMITS } from './limits.js';

export const NAMES = 'name/';
export const SESSIONS = 'session/';

/** A name as it stands: its keys and their fingerprint. */
export interface Standing {
  readonly name: string;
  readonly keys: KeyBundle;
  readonly fingerprint: Uint8Array;
}

/** Told of every change of a name: how it stands now, or undefined when it left. */
export type NameListener = (name: string, standing: Standing | undefined) => void;

interface Remembered {
  readonly revision: number;
  readonly standing: Standing | undefined;
}

export class Directory {
  readonly #store: Store;
  readonly #remembered = new LRUCache<string, Remembered>({ max: DISCOVERY_LIMITS.keysMax });
  #following = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Keeps the cache true until the signal aborts, and tells of the changes it sees. */
  async follow(listener: NameListener, signal: AbortSignal): Promise<void> {
    const follower = {
      began: () => {
        this.#remembered.clear();
        this.#following = true;
      },
      changed: (changes: readonly Change[]) => {
        for (const change of changes) {
          const name = nameOf(change);
          listener(name, this.#remember(name, change));
        }
      },
      broke: () => {
        this.#following = false;
      },
    };
    await follow(this.#store, NAMES, follower, signal);
  }

  /** How the name stands, if the key is its current one. @throws StoreUnavailable */
  async standing(name: string, signingKey: Uint8Array): Promise<Standing | undefined> {
    const known = this.#following ? this.#remembered.get(name)?.standing : undefined;
    if (known && sameBytes(known.keys.signingKey, signingKey)) return known;
    const row = await this.#store.get(NAMES + name);
    const standing = this.#remember(name, row ? { type: 'put', row } : undefined);
    return standing && sameBytes(standing.keys.signingKey, signingKey) ? standing : undefined;
  }

  /** How a caller's name stands. @throws Refused WRONG_ROLE, KEY_REPLACED; StoreUnavailable */
  async caller(caller: Caller): Promise<Standing> {
    if (caller.role !== 'client')
      throw new Refused(Reason.WRONG_ROLE, 'only clients of this cloud may call this');
    const standing = await this.standing(caller.name, caller.signingKey);
    if (!standing) throw keyReplaced(caller.name);
    return standing;
  }

  /** Fingerprints of the keys that recoveries of a name replaced, the latest first. @throws StoreUnavailable */
  async former(name: string): Promise<Uint8Array[]> {
    const row = await this.#store.get(NAMES + name);
    const { former } = row ? fromBinary(NameRecordSchema, row.value) : { former: [] };
    return former.map(fingerprintOf).reverse();
  }

  /** @throws StoreUnavailable */
  async entry(name: string): Promise<Entry | undefined> {
    const [row, session] = await this.#store.getAll([NAMES + name, SESSIONS + name]);
    return row && entryOf(row, session);
  }

  /** Entries after a name, in the order of names. @throws StoreUnavailable */
  async page(after: string, onlineOnly: boolean): Promise<{ entries: Entry[]; more: boolean }> {
    const [first, second] = onlineOnly ? [SESSIONS, NAMES] : [NAMES, SESSIONS];
    const limit = DISCOVERY_LIMITS.pageEntries + 1;
    const listed = await this.#store.list({ prefix: first, after: first + after, limit });
    const shown = listed.slice(0, DISCOVERY_LIMITS.pageEntries);
    const others = await this.#store.getAll(shown.map((row) => second + row.key.slice(first.length)));
    const entries = shown.flatMap((row, index) => {
      const [name, session] = onlineOnly ? [others[index], row] : [row, others[index]];
      return name ? [entryOf(name, session)] : [];
    });
    return {
      entries: onlineOnly ? entries.filter((entry) => entry.online) : entries,
      more: listed.length > shown.length,
    };
  }

  /** Frees the name and ends its presence. @throws Refused KEY_REPLACED if it is another's by now, StoreUnavailable */
  async leave(name: string, signingKey: Uint8Array): Promise<void> {
    for (let attempt = 0; attempt < DISCOVERY_LIMITS.attemptsMax; attempt += 1) {
      const [row, session] = await this.#store.getAll([NAMES + name, SESSIONS + name]);
      const standing = row && standingOf(row);
      if (!row || !standing || !sameBytes(standing.keys.signingKey, signingKey)) {
        throw keyReplaced(name);
      }
      const result = await this.#store.transact(
        [row, session ?? { key: SESSIONS + name, revision: 0 }].map(({ key, revision }) => ({
          key,
          revision,
        })),
        [row, ...(session ? [session] : [])].map(({ key }) => ({ type: 'delete', key })),
      );
      if (!result.ok) continue;
      this.#remember(name, { type: 'delete', key: row.key, revision: result.revision });
      return;
    }
    throw new StoreUnavailable(`the row of ${name} changes all the time: try again`);
  }

  #remember(name: string, change: Change | undefined): Standing | undefined {
    const standing = change?.type === 'put' ? standingOf(change.row) : undefined;
    const revision = change === undefined ? 0 : change.type === 'put' ? change.row.revision : change.revision;
    const known = this.#remembered.get(name);
    if (!known || known.revision <= revision) this.#remembered.set(name, { revision, standing });
    return standing;
  }
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

export function keyReplaced(name: string): Refused {
  return new Refused(Reason.KEY_REPLACED, `${name} stands for another key by now: join again to get a name`);
}

/** The session in a row. */
export function sessionOf(row: Row): SessionRecord {
  return fromBinary(SessionRecordSchema, row.value);
}

function nameOf(change: Change): string {
  return (change.type === 'put' ? change.row.key : change.key).slice(NAMES.length);
}

/** How the name in a row stands. */
export function standingOf(row: Row): Standing | undefined {
  const { name, keys } = fromBinary(NameRecordSchema, row.value);
  return keys && { name, keys, fingerprint: fingerprintOf(keys) };
}

function entryOf(row: Row, session: Row | undefined): Entry {
  const record = fromBinary(NameRecordSchema, row.value);
  const { name, keys, registeredAt } = record;
  return create(EntrySchema, {
    name,
    ...(keys && { keys }),
    ...(registeredAt && { registeredAt }),
    ...presence(record, session),
  });
}

/** A session under a key that was replaced since is nobody's presence. */
function presence(
  { keys }: NameRecord,
  row: Row | undefined,
): Pick<Entry, 'online' | 'address' | 'sessionId'> {
  const session = row && sessionOf(row);
  if (!session || !keys || !sameBytes(session.fingerprint, fingerprintOf(keys)))
    return { online: false, address: '', sessionId: new Uint8Array() };
  return { online: true, address: session.address, sessionId: session.sessionId };
}
