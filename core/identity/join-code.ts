/** Join codes: docs/format.md, "Join code". */
import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { JoinCodeSchema } from '../../gen/glimpse/v1/enrolment_pb.js';
import type { JoinCode } from '../../gen/glimpse/v1/enrolment_pb.js';
import { decodeBase32, encodeBase32 } from '../base32.js';
import { FormatError } from '../format-error.js';
import { readMessage } from '../message.js';

const prefix = 'glimpse1-';
const checksumBytes = 4;
/** Sixteen addresses of 255 characters and the rest make some 7,000. */
const textLengthMax = 8192;

export function encodeJoinCode(code: MessageInitShape<typeof JoinCodeSchema>): string {
  const bytes = toBinary(JoinCodeSchema, create(JoinCodeSchema, code));
  return prefix + encodeBase32(Buffer.concat([bytes, checksum(bytes)]));
}

/** @throws FormatError of layer join-code */
export function decodeJoinCode(text: string): JoinCode {
  if (text.length > textLengthMax) throw broken('it is far too long');
  const letters = text.replace(/\s/g, '').toLowerCase();
  if (!letters.startsWith(prefix)) throw broken(`it does not begin with ${prefix}`);
  const bytes = decodeBase32(letters.slice(prefix.length));
  if (!bytes || bytes.length <= checksumBytes) throw broken('a letter is wrong, or some are missing');
  const message = bytes.subarray(0, -checksumBytes);
  if (checksum(message).compare(bytes.subarray(-checksumBytes)) !== 0) {
    throw broken('a letter is wrong, or some are missing');
  }
  return readMessage(JoinCodeSchema, message, { layer: 'join-code', bytesMax: bytes.length });
}

const checksum = (bytes: Uint8Array): Buffer =>
  createHash('sha256').update(bytes).digest().subarray(0, checksumBytes);

const broken = (what: string): FormatError =>
  new FormatError('join-code', `${what}; copy the whole code again`);
