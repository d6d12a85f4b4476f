/**
 * Vectors of the formats: `key: value` lines, a blank line, the bytes in hex. docs/format.md, "Vectors".
 * Values that are bytes are hex, or `count*hex` for a repetition, joined by blanks.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { FormatError } from '../../core/format-error.js';

const folder = 'test/vectors';

export interface Vector {
  readonly name: string;
  /** The value of a key. @throws if the vector has no such key */
  value(key: string): string;
  /** The value as bytes. */
  bytes(key: string): Buffer;
  readonly body: Buffer;
}

/** The vectors of one format: those whose file names begin with this. */
export function vectorsOf(format: string): readonly Vector[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${format}-`));
  if (files.length === 0) throw new Error(`there are no vectors of ${format}`);
  return files.map((file) =>
    parse(path.basename(file, '.txt'), readFileSync(path.join(folder, file), 'utf8')),
  );
}

function parse(name: string, text: string): Vector {
  const [head = '', body = ''] = text.split('\n\n', 2);
  const values = new Map(
    head.split('\n').map((line) => [line.replace(/:.*/, ''), line.replace(/^[^:]*: ?/, '')]),
  );
  const value = (key: string): string => {
    const found = values.get(key);
    if (found === undefined) throw new Error(`${name} has no ${key}`);
    return found;
  };
  return {
    name,
    value,
    bytes: (key) => parseBytes(value(key)),
    body: Buffer.from(body.replace(/\s/g, ''), 'hex'),
  };
}

function parseBytes(value: string): Buffer {
  const parts = value.split(' ').map((part) => {
    const [, count = '1', hex = ''] = /^(?:(\d+)\*)?([0-9a-f]*)$/.exec(part) ?? [];
    return Buffer.alloc((Number(count) * hex.length) / 2, Buffer.from(hex, 'hex'));
  });
  return Buffer.concat(parts);
}

/** Does what a reader does with the vector, and holds the outcome to what the vector expects: ok, or a layer. */
export async function expectOutcome(t: ExecutionContext, vector: Vector, read: () => unknown): Promise<void> {
  const expected = vector.value('expect');
  try {
    await read();
    t.is('ok', expected);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    t.is<string, string>(error.layer, expected, error.message);
  }
}
