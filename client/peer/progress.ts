/** Work that tells how far it is, as a stream: what it tells, and a sign of life while it tells nothing. */
import type { HidingProgress } from '../cloud/hide.js';
import { PEER_LIMITS } from './limits.js';

export interface Step {
  readonly step: string;
  readonly leader: string;
  readonly fraction: number;
}

/** Yields the latest step whenever there is news, at least every `progressEveryMs`; returns what the work came to. */
export async function* reporting<Result>(
  work: (progress: HidingProgress) => Promise<Result>,
): AsyncGenerator<Step, Result> {
  const latest = new Latest();
  const working = work((step, leader, fraction) => latest.set({ step, leader, fraction }));
  const over = working.then(
    () => 'over' as const,
    () => 'over' as const,
  );
  do yield latest.tell();
  while ((await Promise.race([over, latest.next(PEER_LIMITS.progressEveryMs)])) !== 'over');
  return await working;
}

/** How much of a step is news, and not sooner than this: a small photo is hidden before anyone could read how far it is. */
const fractionMin = 0.05;
const fractionEveryMs = 200;

class Latest {
  #step: Step = { step: 'sealing', leader: '', fraction: 0 };
  #told = this.#step;
  #toldAtMs = 0;
  #wake: () => void = () => undefined;

  tell(): Step {
    this.#told = this.#step;
    this.#toldAtMs = performance.now();
    return this.#told;
  }

  set(step: Step): void {
    this.#step = step;
    if (this.#isNews()) this.#wake();
  }

  #isNews(): boolean {
    const { step, leader, fraction } = this.#told;
    if (this.#step.step !== step || this.#step.leader !== leader) return true;
    return (
      this.#step.fraction - fraction >= fractionMin && performance.now() - this.#toldAtMs >= fractionEveryMs
    );
  }

  /** Settles when there is news, or after `ms`. */
  next(ms: number): Promise<void> {
    if (this.#isNews()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
