/**
 * Messages on the wire: encoded, decoded, and held to the rules that the contracts carry (protovalidate).
 * Nothing that breaks a rule gets past `decode`, whichever side received it.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { inWords, violationsOf } from '../violations.js';
import { Refused } from './errors.js';

/** @throws Refused INVALID_REQUEST, for bytes that are no such message or break its rules. */
export function decode<M extends DescMessage>(schema: M, bytes: Uint8Array): MessageShape<M> {
  const message = parse(schema, bytes);
  const violations = violationsOf(schema, message);
  if (violations.length === 0) return message;
  const what = `${schema.name} breaks the contract: ${inWords(violations)}.`;
  throw new Refused(Reason.INVALID_REQUEST, what, {}, { violations });
}

function parse<M extends DescMessage>(schema: M, bytes: Uint8Array): MessageShape<M> {
  try {
    // A plain view, so that bytes fields are Uint8Arrays and not Buffers.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return fromBinary(schema, view, { readUnknownFields: false });
  } catch {
    throw new Refused(
      Reason.INVALID_REQUEST,
      `These bytes are no ${schema.name}: is the other side of the same version?`,
    );
  }
}

export function encode<M extends DescMessage>(schema: M, init: MessageInitShape<M>): Buffer {
  const bytes = toBinary(schema, create(schema, init));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
