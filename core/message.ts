/**
 * Reads a message that arrives as bytes inside a format (rights, capsules, photo headers, tickets), where no RPC
 * validates it: it must be Protobuf, obey the rules that proto/ declares for its fields, and encode to the very bytes
 * it was read from. So no field is unknown and none is said twice: it is understood whole or not at all.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { FormatError } from './format-error.js';
import type { Layer } from './format-error.js';
import { inWords, violationsOf } from './violations.js';

/** @throws FormatError of `layer` when the bytes are longer than `bytesMax`, no such message, or against its rules */
export function readMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  { layer, bytesMax }: { readonly layer: Layer; readonly bytesMax: number },
): MessageShape<Desc> {
  if (bytes.length > bytesMax) {
    throw new FormatError(layer, `${schema.name} of ${bytes.length} bytes; at most ${bytesMax} are allowed`);
  }
  const message = parse(schema, bytes, layer);
  const violations = violationsOf(schema, message);
  if (violations.length > 0)
    throw new FormatError(layer, `${schema.name} is not valid: ${inWords(violations)}`);
  if (Buffer.compare(toBinary(schema, message, { writeUnknownFields: false }), bytes) !== 0) {
    throw new FormatError(layer, `${schema.name} says more than this version understands: update glimpse`);
  }
  return message;
}

function parse<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array, layer: Layer): MessageShape<Desc> {
  try {
    // A copy, so that the message neither keeps a larger buffer alive nor changes with it.
    return fromBinary(schema, new Uint8Array(bytes));
  } catch (cause) {
    throw new FormatError(layer, `${schema.name} cannot be read: the bytes are damaged`, { cause });
  }
}
