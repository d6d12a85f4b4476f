/**
 * The address book of the servers: a row for each, on its own lease, so it lists who runs. The ring judges for
 * itself who answers. docs/architecture.md, "State".
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { MemberState } from '../gen/glimpse/v1/election_pb.js';
import { MemberRecordSchema } from '../gen/glimpse/v1/records_pb.js';
import type { ServerLease } from './lease.js';
import { follow } from './store/follow.js';
import type { Change, Row, Store } from './store/store.js';

const MEMBERS = 'member/';

/** A server and where it listens, host:port. */
export interface MemberEntry {
  readonly id: string;
  readonly address: string;
  readonly enrolment: string;
}

/** All servers in the order of their ids. @throws StoreUnavailable */
export async function listMembers(store: Store): Promise<MemberEntry[]> {
  return (await store.list({ prefix: MEMBERS })).map(entryOf);
}

/** Who runs, kept up to date. */
export class Members {
  readonly #store: Store;
  readonly #known = new Map<string, MemberEntry>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** In the order of their ids, as last seen. */
  get all(): MemberEntry[] {
    return [...this.#known.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  find(id: string): MemberEntry | undefined {
    return this.#known.get(id);
  }

  /** Enters this server, and enters it again whenever its lease was lost. @throws StoreUnavailable */
  async enter(entry: MemberEntry, lease: ServerLease): Promise<void> {
    const write = () =>
      this.#store.transact(
        [],
        [{ type: 'put', key: MEMBERS + entry.id, value: encode(entry), lease: lease.current }],
      );
    // A failure means that the lease is lost again, and is made up for when it is granted again.
    lease.onGranted(() => void write().catch(() => undefined));
    await write();
  }

  /** Keeps up until the signal aborts; tells of each change. */
  async follow(changed: () => void, signal: AbortSignal): Promise<void> {
    const follower = {
      began: async () => {
        const members = await listMembers(this.#store);
        this.#known.clear();
        for (const member of members) this.#known.set(member.id, member);
        changed();
      },
      changed: (changes: readonly Change[]) => {
        for (const change of changes) this.#apply(change);
        if (changes.length > 0) changed();
      },
      broke: () => undefined,
    };
    await follow(this.#store, MEMBERS, follower, signal);
  }

  #apply(change: Change): void {
    if (change.type === 'delete') this.#known.delete(change.key.slice(MEMBERS.length));
    else this.#known.set(change.row.key.slice(MEMBERS.length), entryOf(change.row));
  }
}

function entryOf(row: Row): MemberEntry {
  const { member, enrolmentAddress } = fromBinary(MemberRecordSchema, row.value);
  return { id: member?.id ?? '', address: member?.address ?? '', enrolment: enrolmentAddress };
}

function encode({ id, address, enrolment }: MemberEntry): Uint8Array {
  return toBinary(
    MemberRecordSchema,
    create(MemberRecordSchema, {
      member: { id, address, state: MemberState.ALIVE },
      enrolmentAddress: enrolment,
    }),
  );
}
