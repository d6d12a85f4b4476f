/**
 * A server's log: one small JSON object a line, for people and programs. It takes fields of a few simple types and
 * nothing else, so that no photo, key or secret can slip into it as a whole object.
 */

export type Fields = Readonly<Record<string, string | number | boolean>>;

/** Writes one line. `event` is a few words in lower case that name what happened. */
export type Log = (level: 'info' | 'warn' | 'error', event: string, fields?: Fields) => void;

export const LOG_LIMITS = {
  /** Of one field. Longer texts are other people's messages and stacks; their beginning tells. */
  textMax: 2000,
} as const;

/** `fields` stand in every line. */
export function createLog(write: (line: string) => void, now: () => Date, fields: Fields): Log {
  return (level, event, more = {}) => {
    const entries = Object.entries({ ...fields, ...more }).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.slice(0, LOG_LIMITS.textMax) : value,
    ]);
    write(`${JSON.stringify({ time: now().toISOString(), level, event, ...Object.fromEntries(entries) })}\n`);
  };
}
