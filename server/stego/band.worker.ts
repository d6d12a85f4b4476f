/** Makes one band, in a thread of its own. What it makes is handed over, not copied. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { makeBand } from '../../core/carrier/layout/band.js';
import type { BandTask } from '../../core/carrier/layout/band.js';

export default function work(task: BandTask): unknown {
  const band = makeBand(task);
  return move({
    get [transferableSymbol]() {
      return [band.chunk.buffer];
    },
    get [valueSymbol]() {
      return band;
    },
  });
}
