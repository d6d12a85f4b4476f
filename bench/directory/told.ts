/** What the processes of the case are told, and tell. */

/** Someone who attends. */
export interface Present {
  readonly name: string;
  /** Hex. */
  readonly fingerprint: string;
}

export interface Asking {
  readonly address: string;
  /** How often, all callers together. */
  readonly count: number;
  /** Who ask at the same time, each over a connection of its own. */
  readonly callers: number;
}

/** How long each call took, and all of them together, without connecting. */
export interface Asked {
  readonly tookMs: readonly number[];
  readonly seconds: number;
}

/** Of a grant, by its id in hex, when something happened to it: Unix time, ms. */
export type Moments = Readonly<Record<string, number>>;

/** That of the rights whose way is measured: a first is left to its picture for a while (docs/protocol.md, "Discovery"). */
export const measuredVersion = 2;

/** Zero to `count` - 1, in the order of their numbers. */
export const registeredName = (index: number): string => `name-${String(index).padStart(7, '0')}`;
