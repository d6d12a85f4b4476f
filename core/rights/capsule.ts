/**
 * A capsule: the rights and the file key, padded and encrypted to the viewer, as they stand in the slot of a
 * carrier. docs/format.md, "Capsule". HPKE (RFC 9180) is in suite.ts; the ephemeral key's seed is an argument.
 */
import type { KeyObject } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import type { Capsule } from '../../gen/glimpse/v1/rights_pb.js';
import { CapsuleSchema } from '../../gen/glimpse/v1/rights_pb.js';
import { FormatError } from '../format-error.js';
import { LIMITS } from '../limits.js';
import { readMessage } from '../message.js';
import { passed, suite } from './suite.js';

const info = Buffer.from('glimpse/v1 capsule');
const lengthBytes = 2;
const plainBytes = 2_000;
const encapsulatedBytes = 32;

/**
 * The slot that only this viewer can open.
 * @param agreementKey the viewer's X25519 public key, raw
 * @param seed 32 random bytes, never used before: whoever knows them can open the slot
 * @throws FormatError (capsule) if the capsule is too long, or the key is none
 */
export async function makeCapsule(
  capsule: Capsule,
  agreementKey: Uint8Array,
  seed: Uint8Array,
): Promise<Uint8Array> {
  const kit = suite();
  try {
    const recipientPublicKey = await kit.kem.deserializePublicKey(agreementKey);
    const sender = await kit.createSenderContext({ recipientPublicKey, info, ekm: seed });
    const sealed = await sender.seal(padded(toBinary(CapsuleSchema, capsule)));
    return Buffer.concat([new Uint8Array(sender.enc), new Uint8Array(sealed)]);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError('capsule', 'the viewer’s key cannot be encrypted to: ask for their keys again', {
      cause,
    });
  }
}

/**
 * @param agreement the viewer's X25519 private key
 * @throws FormatError (slot) if it holds nothing for this key; (capsule) if what it holds is not allowed
 */
export async function openCapsule(slot: Uint8Array, agreement: KeyObject): Promise<Capsule> {
  if (slot.length !== LIMITS.slotBytes) {
    throw new FormatError('slot', `a slot has ${LIMITS.slotBytes} bytes, not ${slot.length}`);
  }
  const plain = await decrypt(slot, agreement);
  const end = lengthBytes + plain.readUInt16BE();
  if (end > plainBytes || plain.subarray(end).some((byte) => byte !== 0)) {
    throw new FormatError('capsule', 'the capsule is not padded as it must be');
  }
  const encoded = plain.subarray(lengthBytes, end);
  return readMessage(CapsuleSchema, encoded, { layer: 'capsule', bytesMax: plainBytes });
}

async function decrypt(slot: Uint8Array, agreement: KeyObject): Promise<Buffer> {
  const kit = suite();
  try {
    const enc = slot.slice(0, encapsulatedBytes);
    const recipient = await kit.createRecipientContext({ recipientKey: passed(agreement), enc, info });
    return Buffer.from(await recipient.open(slot.slice(encapsulatedBytes)));
  } catch (cause) {
    throw new FormatError(
      'slot',
      'this picture holds nothing for you: it is for someone else, or it was damaged on the way',
      { cause },
    );
  }
}

function padded(encoded: Uint8Array): Uint8Array {
  if (encoded.length > plainBytes - lengthBytes) {
    throw new FormatError('capsule', `a capsule of ${encoded.length} bytes does not fit its slot`);
  }
  const plain = Buffer.alloc(plainBytes);
  plain.writeUInt16BE(encoded.length);
  plain.set(encoded, lengthBytes);
  return plain;
}
