/** The embedded engine as the conformance suite and its processes open it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import type { Store } from '../../../server/store/store.js';

export function openStore(place: string): Promise<Store> {
  return openSqliteStore({ directory: place });
}

export async function makePlace() {
  const place = await mkdtemp(path.join(tmpdir(), 'glimpse-store-'));
  return { place, remove: () => rm(place, { recursive: true, force: true }) };
}
