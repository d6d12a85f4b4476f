/** Bytes that are almost right: what a fuzzer makes of a vector. Pure: chance is an argument. */
import type { Random } from '../../server/election/simulator/random.js';

/** Numbers at which lengths and counts go wrong. */
const edges = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const runMax = 64;

type Mutation = (bytes: Buffer, random: Random, others: readonly Uint8Array[]) => Buffer;

const place = (bytes: Buffer, random: Random): number => random.integer(0, Math.max(0, bytes.length - 1));

/** A piece of at most `runMax` bytes: from, to. */
function run(bytes: Uint8Array, random: Random): readonly [number, number] {
  const from = random.integer(0, bytes.length);
  return [from, Math.min(bytes.length, from + random.integer(1, runMax))];
}

function inserted(bytes: Buffer, at: number, more: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
}

const noise = (random: Random): Buffer =>
  Buffer.from(Array.from({ length: random.integer(1, runMax) }, () => random.integer(0, 255)));

const mutations: readonly Mutation[] = [
  function bitFlipped(bytes, random) {
    const at = place(bytes, random);
    if (bytes.length > 0) bytes[at]! ^= 1 << random.integer(0, 7);
    return bytes;
  },
  function byteSet(bytes, random) {
    if (bytes.length > 0) bytes[place(bytes, random)] = random.pick(edges) & 0xff;
    return bytes;
  },
  function numberSet(bytes, random) {
    const width = random.pick([2, 4]);
    if (bytes.length < width) return bytes;
    const at = random.integer(0, bytes.length - width);
    const value = random.pick(edges);
    if (width === 2) bytes.writeUInt16BE(value & 0xffff, at);
    else bytes.writeUInt32BE(value, at);
    return bytes;
  },
  function varintGrown(bytes, random) {
    const long = Buffer.alloc(random.integer(1, 10), 0xff);
    long[long.length - 1] = random.pick([0, 1, 0x7f]);
    return inserted(bytes, place(bytes, random), long);
  },
  function cut(bytes, random) {
    return bytes.subarray(0, random.integer(0, bytes.length));
  },
  function removed(bytes, random) {
    const [from, to] = run(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function repeated(bytes, random) {
    const [from, to] = run(bytes, random);
    const times = random.integer(1, 4);
    return inserted(bytes, to, Buffer.concat(Array<Buffer>(times).fill(bytes.subarray(from, to))));
  },
  function noisy(bytes, random) {
    return inserted(bytes, random.integer(0, bytes.length), noise(random));
  },
  function spliced(bytes, random, others) {
    const other = random.pick(others);
    const [from, to] = run(other, random);
    return inserted(bytes, random.integer(0, bytes.length), other.subarray(from, to));
  },
  function crossed(bytes, random, others) {
    const other = random.pick(others);
    const tail = other.subarray(random.integer(0, other.length));
    return Buffer.concat([bytes.subarray(0, random.integer(0, bytes.length)), tail]);
  },
];

/** One of the seeds after one to four mutations; now and then as it is. */
export function mutated(seeds: readonly Uint8Array[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(seeds));
  for (let left = random.integer(0, 4); left > 0; left -= 1) {
    bytes = random.pick(mutations)(bytes, random, seeds);
  }
  return bytes;
}
