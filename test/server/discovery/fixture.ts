/** A real store in a temporary folder, and names registered in it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import type { ExecutionContext } from 'ava';
import { awaited } from '../../../demo/processes.js';
import { drawClientKeys, fingerprintOf, makeKeyBundle } from '../../../core/identity/keys.js';
import { NameRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import type { Standing } from '../../../server/discovery/directory.js';
import { Sessions } from '../../../server/discovery/sessions.js';
import { ServerLease } from '../../../server/lease.js';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Row, Store } from '../../../server/store/store.js';

export const silent = (): void => undefined;

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'glimpse-discovery-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function temporaryStore(t: ExecutionContext): Promise<Store> {
  const store = await openSqliteStore({ directory: await temporaryFolder(t) });
  t.teardown(() => store.close());
  return store;
}

/** Registers a name, or gives it other keys, as enrolment does. */
export async function register(store: Store, name: string): Promise<Standing> {
  const keys = makeKeyBundle(drawClientKeys());
  const value = toBinary(NameRecordSchema, create(NameRecordSchema, { name, keys }));
  await store.transact([], [{ type: 'put', key: `name/${name}`, value }]);
  return { name, keys, fingerprint: fingerprintOf(keys) };
}

export interface TestServer {
  readonly sessions: Sessions;
  readonly lease: ServerLease;
}

/** The sessions of a server of their own, following until the test ends. */
export async function startSessions(t: ExecutionContext, store: Store, server: string): Promise<TestServer> {
  const lease = await ServerLease.grant(store, 60_000, silent);
  const sessions = new Sessions({ store, server, lease, drawId: () => randomBytes(16) });
  const ending = new AbortController();
  const following = sessions.follow(ending.signal);
  t.teardown(async () => {
    ending.abort();
    await following;
    await lease.revoke();
  });
  return { sessions, lease };
}

/** Waits until the row is as it should be. It looks, for not every row is written so that watches are told. */
export async function rowBecomes(
  store: Store,
  key: string,
  holds: (row: Row | undefined) => boolean,
): Promise<void> {
  const held = await awaited(async () => holds(await store.get(key)) || undefined);
  if (!held) throw new Error(`${key} did not become what it should`);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
