/** What a vault holds that someone else may have written: its rows, and keys under a passphrase. */
import type { Column } from '../../client/vault/database.js';
import { VaultError } from '../../client/vault/failures.js';
import { VAULT_LIMITS } from '../../client/vault/limits.js';
import * as rows from '../../client/vault/rows.js';
import { unwrap } from '../../client/vault/wrapping.js';
import { KeyBundleSchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import { Random } from '../../server/election/simulator/random.js';
import { mutated } from './mutate.js';
import { sampleOf } from './samples.js';
import { SMALL } from './target.js';
import type { Target } from './target.js';

const isVaults = (error: unknown): boolean => error instanceof VaultError;

const numeric =
  /_at$|_ms$|_bytes$|^version$|_version$|^(?:number|verified|refused|asked|opened|views|attempts|id|secret_id|at|ordinal|length)$/;
const textual =
  /name$|path$|^(?:policy|address|servers|certificates|kind|photo|cover|leader|delivery|wish|recovery|file|last_error)$/;

const readers = [
  ...[rows.identityOf, rows.contactOf, rows.requestOf, rows.listingLineOf, rows.carrierOf, rows.givenOf],
  ...[rows.heldOf, rows.outboxItemOf, rows.askedViewOf, rows.leftViewOf, rows.shownViewOf, rows.seenHeadOf],
];

/** A row of the vault whose every column holds the input, as whatever that column holds. */
function readRows(input: Uint8Array): void {
  const bytes = Buffer.from(input);
  const row = new Proxy<Record<string, Column>>(
    {},
    {
      get: (_, column: string) =>
        numeric.test(column) ? (bytes[0] ?? null) : textual.test(column) ? bytes.toString() : bytes,
    },
  );
  for (const read of readers) {
    try {
      read(row);
    } catch (error) {
      if (!isVaults(error)) throw error;
    }
  }
}

const fixed = new Random(2);
const rowSeeds = [
  ...Array.from({ length: 12 }, () => sampleOf(KeyBundleSchema, fixed)),
  ...Array.from({ length: 12 }, () => sampleOf(SignedRightsSchema, fixed)),
  Buffer.from('["aGVsbG8="]'),
];

const saltBytes = 16;

/** scrypt's N, r and p, a salt, and what is under the passphrase. */
function wrappedBytes(cost: number, blockSize: number, parallel: number): Uint8Array {
  const bytes = Buffer.alloc(12 + saltBytes + 60, 7);
  [cost, blockSize, parallel].forEach((number, at) => bytes.writeUInt32BE(number, 4 * at));
  return bytes;
}

async function readWrapped(input: Uint8Array): Promise<void> {
  const bytes = Buffer.concat([input, Buffer.alloc(12)]);
  const [cost, blockSize, parallel] = [0, 4, 8].map((at) => bytes.readUInt32BE(at)) as [
    number,
    number,
    number,
  ];
  const salt = new Uint8Array(bytes.subarray(12, 12 + saltBytes));
  const sealed = new Uint8Array(bytes.subarray(12 + saltBytes, input.length));
  await unwrap({ cost, blockSize, parallel, salt, sealed }, 'a passphrase', new Uint8Array(8), 'vault');
}

const wrappedSeeds = [wrappedBytes(16, 8, 1), wrappedBytes(2, 2 ** 20, 4), wrappedBytes(2 ** 17, 1, 1)];

export const vaultTargets: readonly Target[] = [
  {
    name: 'vault',
    make: (random) => mutated(rowSeeds, random),
    read: readRows,
    refuses: isVaults,
    ...SMALL,
  },
  {
    name: 'wrapped keys',
    make: (random) => mutated(wrappedSeeds, random),
    read: readWrapped,
    refuses: isVaults,
    share: 0.5,
    bytesMax: 2 * VAULT_LIMITS.scryptBytesMax,
    msMax: 30_000,
  },
];
