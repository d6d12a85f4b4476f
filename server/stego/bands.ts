/** The threads that make bands: the heavy part of hiding, off the event loop. */
import { Piscina } from 'piscina';
import type { Band, BandTask } from '../../core/carrier/layout/band.js';
import { STEGO_LIMITS } from './limits.js';

export class BandWorkers {
  readonly #pool: Piscina<BandTask, Band>;

  constructor({ threads }: { readonly threads: number }) {
    this.#pool = new Piscina<BandTask, Band>({
      filename: new URL('band.worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: threads,
      niceIncrement: STEGO_LIMITS.bandNice,
      idleTimeout: STEGO_LIMITS.bandThreadIdleMs,
      maxQueue: STEGO_LIMITS.hidesMax * STEGO_LIMITS.bandsAhead,
    });
  }

  /** The task's low bytes are handed over: they are empty afterwards. Its cover is shared, if its memory is. */
  make(task: BandTask): Promise<Band> {
    // A view of a larger buffer would take that along.
    const low = task.low.byteLength === task.low.buffer.byteLength ? task.low : task.low.slice();
    return this.#pool.run({ ...task, low }, { transferList: [low.buffer as ArrayBuffer] });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}
