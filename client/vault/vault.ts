/**
 * Everything that a client must not lose: SQLite for what it knows, files for pictures. Several processes may
 * have the vault open; only one may be `up` on it. docs/architecture.md, "The vault".
 */
import { rm } from 'node:fs/promises';
import { Carriers } from './carriers.js';
import { Contacts } from './contacts.js';
import { PrivateDatabase } from './database.js';
import { translatingAsync } from './failures.js';
import { GivenGrants } from './given.js';
import { HeldGrants } from './held.js';
import { makeHome } from './home.js';
import type { Home } from './home.js';
import { IdentityRecord } from './identity.js';
import { Incoming } from './incoming.js';
import { VAULT_LIMITS } from './limits.js';
import { LogHeads } from './log-heads.js';
import { Listings } from './listings.js';
import { Outbox } from './outbox.js';
import { Requests } from './requests.js';
import { Prepaid } from './prepaid.js';
import { prepareVault } from './schema.js';

export interface Vault {
  readonly home: Home;
  readonly identity: IdentityRecord;
  readonly contacts: Contacts;
  readonly requests: Requests;
  readonly listings: Listings;
  readonly given: GivenGrants;
  readonly logHeads: LogHeads;
  readonly carriers: Carriers;
  readonly held: HeldGrants;
  readonly prepaid: Prepaid;
  readonly incoming: Incoming;
  readonly outbox: Outbox;
  /** Changes that belong together: all of them or none, durable on return. `act` must not await. @throws VaultError */
  transact<T>(act: () => T): T;
  /** As `transact`, but a power failure may undo it: for what would then only be done again. @throws VaultError */
  note<T>(act: () => T): T;
  /** Removes leftovers of broken work. For the one `up` of the vault, as it starts. @throws VaultError */
  clean(nowMs: number): Promise<void>;
  /** Frees the vault: keys, contacts, grants and pictures are gone for good. @throws VaultError */
  leave(): Promise<void>;
  close(): void;
}

export interface VaultOptions {
  /** How long a call may wait for other processes. */
  readonly busyMs: number;
}

/** Opens the vault of a folder, or makes one there. @throws VaultError */
export function openVault(folder: string, { busyMs }: VaultOptions = VAULT_LIMITS): Vault {
  const home = makeHome(folder);
  const database = PrivateDatabase.open(home.database, {
    busyMs,
    prepare: (fresh) => prepareVault(fresh, folder),
  });
  const carriers = new Carriers(database, home);
  const held = new HeldGrants(database, home);
  const incoming = new Incoming(home, held);
  return {
    home,
    identity: new IdentityRecord(database, folder),
    contacts: new Contacts(database),
    requests: new Requests(database),
    listings: new Listings(database),
    given: new GivenGrants(database),
    logHeads: new LogHeads(database),
    carriers,
    held,
    prepaid: new Prepaid(database),
    incoming,
    outbox: new Outbox(database),
    transact: (act) => database.transact(act),
    note: (act) => database.note(act),
    clean: async (nowMs) => {
      await incoming.clean(nowMs);
      await carriers.clean(nowMs);
    },
    leave: async () => {
      database.wipe();
      await translatingAsync(folder, () => removePictures(home));
      makeHome(folder);
    },
    close: () => database.close(),
  };
}

async function removePictures(home: Home): Promise<void> {
  for (const folder of [home.inbox, home.incoming, home.carriers, home.thumbnails]) {
    await rm(folder, { recursive: true, force: true });
  }
}
