/** Messages with every field filled, as seeds of what no vector has: by their descriptors alone. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { Random } from '../../server/election/simulator/random.js';

const depthMax = 5;
const lengths = [0, 1, 16, 20, 32, 64, 200];
const texts = ['', 'alice', 's1', 'glimpse.v1.Stego', '127.0.0.1:9', '[::1]:80', 'ß', 'x'.repeat(300)];
const numbers = [0, 1, 2, 3, 16, 1_000, 65_536, 67_126_290];

export function sampleOf(schema: DescMessage, random: Random): Uint8Array {
  return toBinary(schema, filled(schema, random, 0).message);
}

function filled(schema: DescMessage, random: Random, depth: number): ReflectMessage {
  const message = reflect(schema, create(schema));
  const chosen = new Set(schema.oneofs.map((oneof) => random.pick(oneof.fields)));
  for (const field of schema.fields) {
    if (field.oneof && !chosen.has(field)) continue;
    if (random.chance(0.9)) fill(message, field, random, depth);
  }
  return message;
}

function fill(message: ReflectMessage, field: DescField, random: Random, depth: number): void {
  switch (field.fieldKind) {
    case 'scalar':
      message.set(field, scalar(field.scalar, random));
      return;
    case 'enum':
      message.set(field, random.pick(field.enum.values).number);
      return;
    case 'message':
      if (depth < depthMax) message.set(field, filled(field.message, random, depth + 1));
      return;
    case 'list': {
      const list = message.get(field);
      for (let left = random.integer(0, 3); left > 0; left -= 1) {
        if (field.listKind === 'scalar') list.add(scalar(field.scalar, random));
        if (field.listKind === 'message' && depth < depthMax)
          list.add(filled(field.message, random, depth + 1));
        if (field.listKind === 'enum') list.add(random.pick(field.enum.values).number);
      }
      return;
    }
    case 'map':
  }
}

function scalar(type: ScalarType, random: Random): unknown {
  switch (type) {
    case ScalarType.STRING:
      return random.pick(texts);
    case ScalarType.BYTES:
      return new Uint8Array(random.pick(lengths)).fill(random.integer(0, 255));
    case ScalarType.BOOL:
      return random.chance(0.5);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return random.pick([0, 1.5, -1, 1e300, Number.NaN]) * (type === ScalarType.FLOAT ? 0 : 1);
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return BigInt(random.pick(numbers));
    default:
      return random.pick(numbers);
  }
}
