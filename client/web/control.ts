/**
 * What crosses the control socket: docs/architecture.md, "The control socket". A request is a command as it was
 * typed, with the folder it was typed in; an answer is lines of JSON, the last of them the outcome.
 */
import type { Failure } from '../commands/failure.js';

/** A command as it was typed, taken apart but not yet understood. */
export interface Typed {
  readonly arguments: readonly string[];
  readonly options: Readonly<Record<string, string | boolean>>;
  /** Paths are meant from here. */
  readonly folder: string;
  /** Room for a picture in the terminal it was typed in; null: draw none. */
  readonly room: { readonly columns: number; readonly rows: number } | null;
}

/** How a command ended: with a result, which may be a failure as well (a cover instead of the photo). */
export interface Outcome {
  readonly result?: unknown;
  readonly failure?: Failure;
}

/** What a command tells before it ends: what it is doing, a state of what is watched, a picture as text. */
export type Told = { readonly progress: string } | { readonly state: unknown } | { readonly drawing: string };

/** A line of an answer. */
export type Line = Told | { readonly outcome: Outcome };

/** @returns undefined if `value` is not a command as it was typed */
export function readTyped(value: unknown): Typed | undefined {
  if (!isRecord(value)) return undefined;
  const { arguments: words, options, folder, room } = value;
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) return undefined;
  if (!isRecord(options) || !Object.values(options).every(isOption)) return undefined;
  if (typeof folder !== 'string' || (room !== null && !isRoom(room))) return undefined;
  return { arguments: words, options: options as Typed['options'], folder, room };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isOption = (value: unknown) => typeof value === 'string' || typeof value === 'boolean';

function isRoom(value: unknown): value is { columns: number; rows: number } {
  return isRecord(value) && isPositive(value['columns']) && isPositive(value['rows']);
}

const isPositive = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
