/**
 * Rights are signed as the exact bytes that encode them and carried as those bytes: nobody encodes them again.
 * docs/format.md, "Rights". Which rights may follow which is in rules/.
 */
import type { KeyObject } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { LRUCache } from 'lru-cache';
import type { KeyBundle, Rights, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import { RightsSchema, SignedRightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import { FormatError } from '../format-error.js';
import { fingerprintOf, signWith, verifies } from '../identity/keys.js';
import { LIMITS } from '../limits.js';
import { readMessage } from '../message.js';

/**
 * @param signing the owner's Ed25519 private key
 * @throws FormatError (rights) if no reader would take these rights
 */
export function signRights(rights: Rights, signing: KeyObject): SignedRights {
  const encoded = toBinary(RightsSchema, rights);
  decode(encoded);
  return create(SignedRightsSchema, { rights: encoded, signature: signWith(signing, statement(encoded)) });
}

/**
 * What the rights say, whoever signed them: for rights that were verified when they were taken in.
 * @throws FormatError (rights)
 */
export function readRights(signed: SignedRights): Rights {
  return decode(signed.rights);
}

/**
 * What the rights say, signed by the owner that they name.
 * @throws FormatError (rights) if they are malformed, of another owner than these keys', or not signed by them
 */
export function verifyRights(signed: SignedRights, ownerKeys: KeyBundle): Rights {
  const rights = decode(signed.rights);
  if (Buffer.compare(fingerprintOf(ownerKeys), rights.owner!.fingerprint) !== 0) {
    throw new FormatError('rights', 'these are not the keys of the owner that the rights name');
  }
  if (!verifies(ownerKeys.signingKey, statement(signed.rights), signed.signature)) {
    throw new FormatError('rights', 'the signature is not the owner’s: the rights are forged or damaged');
  }
  return rights;
}

/** Rights that are kept as they were read, two kilobytes each: those in use within a while. */
const rightsKept = 4_096;

/** Reading and checking rights takes 140 µs, and the same are read again and again: by their bytes. */
const read = new LRUCache<string, Rights>({ max: rightsKept });

function decode(encoded: Uint8Array): Rights {
  const key = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString('latin1');
  const known = read.get(key);
  if (known) return known;
  const rights = readMessage(RightsSchema, encoded, { layer: 'rights', bytesMax: LIMITS.rightsBytesMax });
  read.set(key, rights);
  return rights;
}

function statement(encoded: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('glimpse/v1 rights'), encoded]);
}
