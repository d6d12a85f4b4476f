/**
 * Text from other people's computers, made harmless for a terminal: names and messages may hold sequences that
 * move its cursor, name its window, or turn the direction of writing round.
 */

const control = /[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Zl}\p{Zp}]/gu;

/** Control characters replaced; a line stays a line. */
export function printable(text: string): string {
  return text.replace(control, '\ufffd');
}

/** The same for every text within a value of JSON, keys excepted: those are ours. */
export function printableWithin<Value>(value: Value): Value {
  if (typeof value === 'string') return printable(value) as Value;
  if (Array.isArray(value)) return value.map(printableWithin) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, printableWithin(each)]),
  ) as Value;
}

/** JSON on one line that a terminal cannot be moved by: JSON.stringify leaves all but the lowest controls alone. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    control,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
