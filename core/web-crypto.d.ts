/**
 * The names of WebCrypto that the declarations of @hpke/core expect to be global. @types/node has them in
 * node:crypto alone, and an unknown name in a declaration would silently be `any`.
 */
import type { webcrypto } from 'node:crypto';

declare global {
  type CryptoKey = webcrypto.CryptoKey;
  type CryptoKeyPair = webcrypto.CryptoKeyPair;
  type JsonWebKey = webcrypto.JsonWebKey;
}
