/**
 * The address book: a row of the store for each server that belongs to the cloud, alive or not. A server writes its
 * own at its start, with an incarnation above that of its former life, and says in it when it leaves; the rows stay,
 * for they are what makes incarnations rise. docs/protocol.md, "Members".
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MemberSchema, MemberState } from '../../gen/glimpse/v1/election_pb.js';
import type { Member } from '../../gen/glimpse/v1/election_pb.js';
import { MemberRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import type { MemberRecord } from '../../gen/glimpse/v1/records_pb.js';
import { follow } from '../store/follow.js';
import { STORE_LIMITS } from '../store/store.js';
import type { Change, Row, Store } from '../store/store.js';

const prefix = 'member/';

export interface Entry {
  readonly id: string;
  readonly address: string;
  readonly enrolmentAddress: string;
}

/** A server that has not started yet, as far as is known. */
export type Expected = Pick<Entry, 'id' | 'address'>;

const recordOf = (row: Row): MemberRecord => fromBinary(MemberRecordSchema, row.value);

/** Writes the server's own row and returns its incarnation. @throws StoreUnavailable */
export async function enter(store: Store, entry: Entry): Promise<number> {
  return write(store, entry, MemberState.ALIVE, (former) => former + 1);
}

/** Enters a server that is not in the book, below any incarnation of its own. @throws StoreUnavailable */
export async function expectMember(store: Store, { id, address }: Expected): Promise<void> {
  const member = create(MemberSchema, { id, address, state: MemberState.ALIVE });
  const value = toBinary(MemberRecordSchema, create(MemberRecordSchema, { member }));
  await store.transact([{ key: prefix + id, revision: 0 }], [{ type: 'put', key: prefix + id, value }]);
}

/** Says in the row that the server left. @throws StoreUnavailable */
export async function signOff(store: Store, entry: Entry): Promise<void> {
  await write(store, entry, MemberState.LEFT, (former) => former);
}

/** Strikes out a server that the cloud no longer has. @throws StoreUnavailable */
export async function strike(store: Store, id: string): Promise<void> {
  await store.transact([], [{ type: 'delete', key: prefix + id }]);
}

async function write(
  store: Store,
  { id, address, enrolmentAddress }: Entry,
  state: MemberState,
  incarnationAfter: (former: number) => number,
): Promise<number> {
  const key = prefix + id;
  for (;;) {
    const row = await store.get(key);
    const incarnation = incarnationAfter((row && recordOf(row).member?.incarnation) ?? 0);
    const member = create(MemberSchema, { id, address, state, incarnation });
    const value = toBinary(MemberRecordSchema, create(MemberRecordSchema, { member, enrolmentAddress }));
    const compare = { key, revision: row?.revision ?? 0 };
    const { ok } = await store.transact([compare], [{ type: 'put', key, value }]);
    if (ok) return incarnation;
  }
}

/** Everyone in the book. @throws StoreUnavailable */
export async function listMembers(store: Store): Promise<readonly MemberRecord[]> {
  const records: MemberRecord[] = [];
  let after: string | undefined;
  for (;;) {
    const rows = await store.list({ prefix, ...(after !== undefined && { after }) });
    records.push(...rows.map(recordOf));
    if (rows.length < STORE_LIMITS.listRowsMax) return records;
    after = rows.at(-1)!.key;
  }
}

export interface BookReader {
  learned(members: readonly Member[]): void;
  /** Somebody struck the member out. */
  struck(id: string): void;
  /** The store answers, or no longer does. */
  storeReachable(reachable: boolean): void;
}

/** Follows the book until the signal aborts. */
export async function followBook(store: Store, reader: BookReader, signal: AbortSignal): Promise<void> {
  const membersOf = (records: readonly MemberRecord[]) => records.flatMap(({ member }) => member ?? []);
  await follow(
    store,
    prefix,
    {
      began: async () => {
        reader.learned(membersOf(await listMembers(store)));
        reader.storeReachable(true);
      },
      changed: (changes) => {
        reader.learned(membersOf(changes.flatMap(written)));
        for (const change of changes)
          if (change.type === 'delete') reader.struck(change.key.slice(prefix.length));
      },
      broke: () => {
        if (!signal.aborted) reader.storeReachable(false);
      },
    },
    signal,
  );
}

const written = (change: Change): MemberRecord[] => (change.type === 'put' ? [recordOf(change.row)] : []);
