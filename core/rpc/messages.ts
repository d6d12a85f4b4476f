/**
 * Messages on the wire: encoded, decoded, and held to the rules that the contracts carry (protovalidate).
 * Nothing that breaks a rule gets past `decode`, whichever side received it.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import type { Validator } from '@bufbuild/protovalidate';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { Refused } from './errors.js';
import type { Violation } from './errors.js';

const violationsMax = 8;
let validator: Validator | undefined;

/** Fields of the message that break the rules of its contract; the first few. */
export function violationsOf<M extends DescMessage>(schema: M, message: MessageShape<M>): Violation[] {
  validator ??= createValidator();
  const result = validator.validate(schema, message);
  if (result.kind === 'error') throw result.error;
  return (result.violations ?? []).slice(0, violationsMax).map((violation) => ({
    field: pathToString(violation.field),
    description: violation.message,
  }));
}

/** @throws Refused INVALID_REQUEST, for bytes that are no such message or break its rules. */
export function decode<M extends DescMessage>(schema: M, bytes: Uint8Array): MessageShape<M> {
  const message = parse(schema, bytes);
  const violations = violationsOf(schema, message);
  if (violations.length === 0) return message;
  const list = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  throw new Refused(Reason.INVALID_REQUEST, `${schema.name} breaks the contract: ${list}.`, {}, violations);
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
