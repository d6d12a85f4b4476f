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
  do yield latest.step;
  while ((await Promise.race([over, latest.next(PEER_LIMITS.progressEveryMs)])) !== 'over');
  return await working;
}

/** How much of a step is news. */
const fractionMin = 0.05;

class Latest {
  step: Step = { step: 'sealing', leader: '', fraction: 0 };
  #wake: () => void = () => undefined;

  set(step: Step): void {
    const { step: before, leader, fraction } = this.step;
    if (step.step === before && step.leader === leader && step.fraction - fraction < fractionMin) return;
    this.step = step;
    this.#wake();
  }

  /** Settles when there is news, or after `ms`. */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
