/** How the processes of Glimpse use V8's heap. */
import { setFlagsFromString } from 'node:v8';

/** How much a heap may grow from one collection of all of it to the next, in percent of what was alive. */
const growingPercent = 200;

/**
 * Collects less often, for more memory: some 50 MB a process. V8 counts buffers outside of its heap as growth, and a
 * process that passes pictures on has more of them than objects: left alone it collected 25 MB of living objects after
 * every four pictures, which was a quarter of all CPU. docs/performance.md, "What a request costs".
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
}
