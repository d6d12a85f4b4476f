/** The cases of the bench, by name. Each is loaded when it is asked for. */
import type { BenchCase } from './harness/case.js';

export const cases: ReadonlyMap<string, () => Promise<BenchCase>> = new Map([
  ['hide', async () => (await import('./hide/case.js')).hide],
  ['reveal', async () => (await import('./reveal/case.js')).reveal],
]);
