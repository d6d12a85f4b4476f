/** Reading what was typed: each function gives a value or throws Usage with what to type instead. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseDuration } from '../../core/duration.js';
import type { Typed } from '../web/control.js';
import { Usage } from './failure.js';

/** Most views that rights can allow: docs/format.md, "Rights". */
const viewsMax = 1_000_000;
/** Most views that may be unlocked ahead: docs/protocol.md, "Prepaid views". */
export const batchMax = 64;

/** The argument at `index`, which the command line has made sure of. */
export function word({ arguments: words }: Typed, index: number): string {
  const found = words[index];
  if (found === undefined || found === '') throw new Usage('an argument is missing or empty');
  return found;
}

export function flag({ options }: Typed, name: string): boolean {
  return options[name] === true;
}

export function text({ options }: Typed, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** A number of views. */
export function views(typed: Typed, name: string, least: 0 | 1 = 1): number | undefined {
  const value = text(typed, name);
  if (value === undefined) return undefined;
  return viewsWithin(value, least, viewsMax, `--${name} `);
}

/** @param option what stood before it, for the message @throws Usage */
export function viewsWithin(value: string, least: 0 | 1, most: number, option = ''): number {
  const count = /^\d+$/.test(value) && value.length <= String(most).length ? Number(value) : Number.NaN;
  if (count >= least && count <= most) return count;
  throw new Usage(`${option}${value} is not a number of views: give one from ${least} to ${most}`);
}

/** How the owner lets views be unlocked, if she says. @throws Usage */
export function mode(typed: Typed): { mode?: 'strict' | 'prepaid'; batchViewsMax?: number } {
  const [chosen, batch] = [text(typed, 'mode'), text(typed, 'batch')];
  const name = chosen === undefined ? undefined : oneOf(chosen, ['strict', 'prepaid'], 'a mode');
  if (batch === undefined) return given({ mode: name });
  if (name !== 'prepaid')
    throw new Usage('--batch goes with --mode prepaid: strict views are unlocked one by one');
  return { mode: name, batchViewsMax: viewsWithin(batch, 1, batchMax, '--batch ') };
}

/** A span of time in ms. */
export function duration(typed: Typed, name: string): number | undefined {
  const value = text(typed, name);
  if (value === undefined) return undefined;
  const durationMs = parseDuration(value);
  if (durationMs !== undefined) return durationMs;
  throw new Usage(`--${name} ${value} is not a span of time: give one such as 30s, 10m, 2h or 7d`);
}

export function oneOf<Choice extends string>(
  value: string,
  choices: readonly Choice[],
  what: string,
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new Usage(`${value} is not ${what}: give ${choices.join(', ')}`);
}

/** Options of which some were not given, without them. */
export function given<Values extends object>(values: Values): Given<Values> {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Given<Values>;
}

type Given<Values> = {
  [Key in keyof Values as undefined extends Values[Key] ? never : Key]: Values[Key];
} & {
  [Key in keyof Values as undefined extends Values[Key] ? Key : never]?: Exclude<Values[Key], undefined>;
};

/** A path as typed, from the folder it was typed in. */
export function filePath({ folder }: Typed, value: string): string {
  return path.resolve(folder, value);
}

/** A file if there is one of that name, otherwise the word itself: a number, an id, the name of a drawn cover. */
export function fileOrWord(typed: Typed, value: string): string {
  const file = filePath(typed, value);
  return !/^[0-9a-z]+$/i.test(value) && existsSync(file) ? file : value;
}
