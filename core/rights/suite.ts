/**
 * The suite of capsules: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. HPKE itself (RFC 9180: labels, key
 * schedule, contexts) is @hpke/core's; below it stands node:crypto, in the places that the library has for that. What
 * it brings along is WebCrypto, which hands each of some 25 small operations of a capsule to a thread and back. Left
 * out is what capsules have no use for: drawing keys, and JWK. docs/decisions.md, "HPKE computes with node:crypto".
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { AeadId, Dhkem, EMPTY, KemId, LABEL_DKP_PRK, LABEL_SK, toUint8Array as bytesOf } from '@hpke/common';
import type { AeadEncryptionContext, AeadInterface, DhkemPrimitives, KdfInterface } from '@hpke/common';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { agreementKeyFrom, agreementPrivateKeyFrom, publicBytes } from '../identity/keys.js';

type Bytes = ArrayBufferLike | ArrayBufferView;

const keyBytes = 32;

/** One for each capsule: it keeps state. */
export function suite(): CipherSuite {
  return new CipherSuite({ kem: new X25519Kem(), kdf: new Hkdf(), aead: aes256Gcm });
}

class Hkdf extends HkdfSha256 {
  override extract(salt: Bytes, ikm: Bytes): Promise<ArrayBuffer> {
    return promised(() => hmac(salt, bytesOf(ikm)));
  }

  /** Of RFC 5869 the first block, which is all that HPKE asks for. */
  override expand(prk: Bytes, info: Bytes, length: number): Promise<ArrayBuffer> {
    return promised(() => {
      if (length > this.hashSize) throw new Error('more than one block');
      return hmac(prk, bytesOf(info), Uint8Array.of(1)).slice(0, length);
    });
  }

  override extractAndExpand(salt: Bytes, ikm: Bytes, info: Bytes, length: number): Promise<ArrayBuffer> {
    return promised(() => hkdfSync('sha256', bytesOf(ikm), bytesOf(salt), bytesOf(info), length));
  }
}

function hmac(key: Bytes, ...parts: readonly Uint8Array[]): ArrayBuffer {
  const hash = createHmac('sha256', bytesOf(key));
  for (const part of parts) hash.update(part);
  return ownBuffer(hash.digest());
}

class X25519Kem extends Dhkem {
  override readonly secretSize = keyBytes;
  override readonly encSize = keyBytes;
  override readonly publicKeySize = keyBytes;
  override readonly privateKeySize = keyBytes;

  constructor() {
    const kdf = new Hkdf();
    super(KemId.DhkemX25519HkdfSha256, new X25519(kdf), kdf);
  }
}

/** The library passes keys through as it was given them. Node makes a key of bytes slowly, so each is made once. */
class X25519 implements DhkemPrimitives {
  readonly #kdf: KdfInterface;

  constructor(kdf: KdfInterface) {
    this.#kdf = kdf;
  }

  serializePublicKey(key: CryptoKey): Promise<ArrayBuffer> {
    return promised(() => ownBuffer(publicBytes(objectOf(key))));
  }

  deserializePublicKey(bytes: Bytes): Promise<CryptoKey> {
    return promised(() => passed(agreementKeyFrom(bytesOf(bytes))));
  }

  async deriveKeyPair(seed: Bytes): Promise<CryptoKeyPair> {
    const prk = await this.#kdf.labeledExtract(EMPTY, LABEL_DKP_PRK, bytesOf(seed));
    const bytes = await this.#kdf.labeledExpand(prk, LABEL_SK, EMPTY, keyBytes);
    const privateKey = passed(agreementPrivateKeyFrom(bytesOf(bytes)));
    return { privateKey, publicKey: await this.derivePublicKey(privateKey) };
  }

  derivePublicKey(key: CryptoKey): Promise<CryptoKey> {
    return promised(() => passed(createPublicKey(objectOf(key))));
  }

  /** @throws if the shared secret is zero: OpenSSL refuses points of small order, as RFC 9180 asks */
  dh(own: CryptoKey, other: CryptoKey): Promise<ArrayBuffer> {
    return promised(() =>
      ownBuffer(diffieHellman({ privateKey: objectOf(own), publicKey: objectOf(other) })),
    );
  }

  generateKeyPair = notNeeded;
  serializePrivateKey = notNeeded;
  deserializePrivateKey = notNeeded;
  importKey = notNeeded;
}

function notNeeded(): Promise<never> {
  return Promise.reject(new Error('capsules need no such keys'));
}

/** A key of Node's, as an argument of the suite. */
export function passed(key: KeyObject): CryptoKey {
  return key as unknown as CryptoKey;
}

function objectOf(key: CryptoKey): KeyObject {
  return key as unknown as KeyObject;
}

const tagBytes = 16;

const aes256Gcm: AeadInterface = {
  id: AeadId.Aes256Gcm,
  keySize: 32,
  nonceSize: 12,
  tagSize: tagBytes,
  createEncryptionContext: (key: Bytes): AeadEncryptionContext => ({
    seal: (nonce, data, additional) =>
      promised(() => {
        const cipher = createCipheriv('aes-256-gcm', bytesOf(key), bytesOf(nonce));
        cipher.setAAD(bytesOf(additional));
        const parts = [cipher.update(bytesOf(data)), cipher.final(), cipher.getAuthTag()];
        return ownBuffer(Buffer.concat(parts));
      }),
    open: (nonce, data, additional) =>
      promised(() => {
        const sealed = bytesOf(data);
        const cipher = createDecipheriv('aes-256-gcm', bytesOf(key), bytesOf(nonce), {
          authTagLength: tagBytes,
        });
        cipher.setAAD(bytesOf(additional));
        cipher.setAuthTag(sealed.subarray(-tagBytes));
        return ownBuffer(Buffer.concat([cipher.update(sealed.subarray(0, -tagBytes)), cipher.final()]));
      }),
  }),
};

/** Small Buffers are parts of a memory that many share. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

/** What is computed at once, in the form that the library awaits: what it throws is a rejection. */
function promised<T>(compute: () => T): Promise<T> {
  return Promise.resolve().then(compute);
}
