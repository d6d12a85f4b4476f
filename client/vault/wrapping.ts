/**
 * Bytes under a passphrase: AES-256-GCM (NIST SP 800-38D) under a key from scrypt (RFC 7914).
 * docs/architecture.md, "The vault".
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import type { ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { damaged, VaultError } from './failures.js';
import { VAULT_LIMITS } from './limits.js';

/** What opens again with the passphrase alone: the parameters lie beside what they were used for. */
export interface Wrapped {
  readonly salt: Uint8Array;
  /** scrypt's N, r and p. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallel: number;
  /** Nonce, ciphertext, tag. */
  readonly sealed: Uint8Array;
}

/** 128 MiB and about half a second of a core for every guess. */
const strength = { cost: 2 ** 17, blockSize: 8, parallel: 1 } as const;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

const derive = promisify<string, Uint8Array, number, ScryptOptions, Buffer>(scrypt);

/** @param context what the bytes are bound to: they open with the same alone */
export async function wrap(bytes: Uint8Array, passphrase: string, context: Uint8Array): Promise<Wrapped> {
  const scheme = { ...strength, salt: new Uint8Array(randomBytes(saltBytes)) };
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', await keyOf(passphrase, scheme), nonce).setAAD(context);
  const sealed = Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return { ...scheme, sealed: new Uint8Array(sealed) };
}

/** @throws VaultError (wrong-passphrase, damaged) */
export async function unwrap(
  wrapped: Wrapped,
  passphrase: string,
  context: Uint8Array,
  folder: string,
): Promise<Uint8Array> {
  const { sealed } = wrapped;
  if (!isBearable(wrapped) || sealed.length < nonceBytes + tagBytes) throw damaged(folder);
  const key = await keyOf(passphrase, wrapped);
  const end = sealed.length - tagBytes;
  const options = { authTagLength: tagBytes };
  const cipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes), options)
    .setAAD(context)
    .setAuthTag(sealed.subarray(end));
  try {
    return new Uint8Array(Buffer.concat([cipher.update(sealed.subarray(nonceBytes, end)), cipher.final()]));
  } catch (cause) {
    const message = 'this is not the passphrase of the vault: nothing was changed, try again';
    throw new VaultError('wrong-passphrase', message, { cause });
  }
}

/** The same letters may be typed as different code points: Unicode's NFC makes them one. */
function keyOf(
  passphrase: string,
  { salt, cost, blockSize, parallel }: Omit<Wrapped, 'sealed'>,
): Promise<Buffer> {
  const options = { N: cost, r: blockSize, p: parallel, maxmem: VAULT_LIMITS.scryptBytesMax };
  return derive(passphrase.normalize('NFC'), salt, 32, options);
}

/**
 * A vault that someone else wrote must not cost more memory, or time, than one of ours ever will. RFC 7914, section 6,
 * bounds the cost by the block size; memory is counted as OpenSSL does, which refuses the rest with errors of its own.
 */
function isBearable({ salt, cost, blockSize, parallel }: Wrapped): boolean {
  return (
    salt.length === saltBytes &&
    cost >= 2 &&
    Number.isInteger(Math.log2(cost)) &&
    blockSize >= 1 &&
    cost < 2 ** (16 * blockSize) &&
    parallel >= 1 &&
    parallel <= VAULT_LIMITS.scryptParallelMax &&
    128 * blockSize * (cost + parallel + 2) <= VAULT_LIMITS.scryptBytesMax
  );
}
