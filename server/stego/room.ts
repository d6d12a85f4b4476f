/**
 * Room for hidings: so many at once, so many declared bytes of all of them. Who comes then waits its turn, a few do
 * and not for long; everybody else is sent away at once and told when to ask again. docs/protocol.md, "Hiding".
 */
import { tryLater } from '../../core/rpc/errors.js';
import { within } from '../../core/rpc/patience.js';
import { STEGO_LIMITS } from './limits.js';

/** A place that was asked for, waiting or taken. */
export interface Place {
  /** Resolves when there is room. @throws Refused TRY_LATER when there is none in time */
  readonly entered: Promise<void>;
  /** Gives it back, or waits no longer; more than once does nothing. */
  leave(): void;
}

interface Asking {
  readonly bytes: number;
  readonly enter: () => void;
}

export class Room {
  readonly #server: string;
  readonly #inside = new Set<Asking>();
  readonly #waiting = new Set<Asking>();
  #bytes = 0;
  #streams = 0;

  /** @param server whose room it is */
  constructor(server: string) {
    this.#server = server;
  }

  /** A stream begins; the result is to be called once, when it ends. @throws Refused TRY_LATER */
  arrive(): () => void {
    const { streamsMax } = STEGO_LIMITS;
    if (this.#streams >= streamsMax) throw this.#full(['streamsMax', streamsMax]);
    this.#streams += 1;
    return () => {
      this.#streams -= 1;
    };
  }

  /** In the order of asking; a small hiding does not overtake a large one. @throws Refused TRY_LATER */
  ask(bytes: number): Place {
    let enter = (): void => undefined;
    const entered = new Promise<void>((resolve) => (enter = resolve));
    const asking = { bytes, enter };
    if (this.#waiting.size > 0 || !this.#fits(asking)) {
      if (this.#waiting.size >= STEGO_LIMITS.waitingMax) throw this.#full();
      this.#waiting.add(asking);
    } else {
      this.#admit(asking);
    }
    const inTime = within(entered, STEGO_LIMITS.roomMs, () => this.#full());
    // Whoever leaves before waiting hears of no refusal.
    inTime.catch(() => undefined);
    return { entered: inTime, leave: () => this.#leave(asking) };
  }

  #fits({ bytes }: Asking): boolean {
    const { hidesMax, declaredBytesMax } = STEGO_LIMITS;
    return this.#inside.size < hidesMax && this.#bytes + bytes <= declaredBytesMax;
  }

  #admit(asking: Asking): void {
    this.#inside.add(asking);
    this.#bytes += asking.bytes;
    asking.enter();
  }

  #leave(asking: Asking): void {
    this.#waiting.delete(asking);
    if (this.#inside.delete(asking)) this.#bytes -= asking.bytes;
    for (const next of this.#waiting) {
      if (!this.#fits(next)) return;
      this.#waiting.delete(next);
      this.#admit(next);
    }
  }

  #full(limit: Parameters<typeof tryLater>[1] = this.#reached()): Error {
    const what = `${this.#server} hides as much as it can at once. Ask for a leader again in a moment.`;
    return tryLater(what, limit, STEGO_LIMITS.retryAfterMs);
  }

  #reached(): Parameters<typeof tryLater>[1] {
    const { hidesMax, declaredBytesMax } = STEGO_LIMITS;
    return this.#inside.size >= hidesMax ? ['hidesMax', hidesMax] : ['declaredBytesMax', declaredBytesMax];
  }
}
