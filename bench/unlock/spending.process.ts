/**
 * A server's process of the case `unlock`: `spending.process.js FOLDER NUMBER CALLERS GRANTS MILLISECONDS`. It makes its grants,
 * spends views of them when it is told to, and tells its parent how long each took and what the ledger has then.
 */
import { randomBytes } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { v7 } from 'uuid';
import { drawClientKeys, fingerprintOf, makeKeyBundle } from '../../core/identity/keys.js';
import { signRights } from '../../core/rights/signed.js';
import { Mode, RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import { Ledger } from '../../server/ledger/ledger.js';
import { openSqliteStore } from '../../server/store/sqlite.js';

/** What the parent is told at the end. */
export interface Told {
  readonly seconds: number;
  /** Of each view that was released. */
  readonly latenciesMs: readonly number[];
  /** Views that the ledger counts, and entries of views in its logs. */
  readonly counted: number;
  readonly logged: number;
}

const [directory, number, callers, grantCount, forMs] = process.argv.slice(2);
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const store = await openSqliteStore({ directory: directory! });
const cloudId = new Uint8Array(16);
const ledger = new Ledger({ store, cloudId, nowMs: Date.now });
const keys = drawClientKeys();
const bundle = makeKeyBundle(keys);
const owner = { name: `owner-${number}`, keys: bundle, fingerprint: fingerprintOf(bundle) };

async function grant() {
  const viewer = { name: 'viewer', fingerprint: bytes(32) };
  const rights = create(RightsSchema, {
    grantId: bytes(16),
    cloudId,
    imageId: bytes(16),
    owner: { name: owner.name, fingerprint: owner.fingerprint },
    viewer,
    sealId: bytes(32),
    secretId: 1,
    payloadDigest: bytes(32),
    payloadBytes: 4_000_000,
    fileKeyCommitment: bytes(32),
    version: 1,
    quota: 1_000_000,
    mode: Mode.STRICT,
  });
  await ledger.put(owner, signRights(rights, keys.signing));
  return { viewer, grantId: rights.grantId, sealId: rights.sealId };
}

const grants = await Promise.all(Array.from({ length: Number(grantCount) }, grant));
process.send!('ready');
await new Promise((resolve) => process.once('message', resolve));

const latenciesMs: number[] = [];
const beganMs = performance.now();
const endMs = beganMs + Number(forMs);

async function spend(caller: number): Promise<void> {
  const { viewer, grantId, sealId } = grants[caller % grants.length]!;
  while (performance.now() < endMs) {
    const askedMs = performance.now();
    await ledger.spend(viewer, { grantId, viewIds: [v7({}, new Uint8Array(16))], sealId });
    latenciesMs.push(performance.now() - askedMs);
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => spend(caller)));
const seconds = (performance.now() - beganMs) / 1_000;
let counted = 0;
let logged = 0;
for (const { viewer, grantId } of grants) {
  const [status] = await ledger.read(viewer, [grantId]);
  counted += status!.used;
  // The first entry is the grant itself.
  logged += status!.logLength - 1;
}
await ledger.close();
await store.close();
process.send!({ seconds, latenciesMs, counted, logged } satisfies Told, () => process.disconnect());
