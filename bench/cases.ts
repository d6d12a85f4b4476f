/** The cases of the bench, by name. Each is loaded when it is asked for. */
import type { BenchCase } from './harness/case.js';

export const cases: ReadonlyMap<string, () => Promise<BenchCase>> = new Map([
  ['balance', async () => (await import('./balance/case.js')).balance],
  ['hide', async () => (await import('./hide/case.js')).hide],
  ['reveal', async () => (await import('./reveal/case.js')).reveal],
  ['table', async () => (await import('./table/case.js')).table],
  ['elect', async () => (await import('./elect/case.js')).elect],
  ['failover', async () => (await import('./failover/case.js')).failover],
  ['transfer', async () => (await import('./transfer/case.js')).transfer],
  ['gallery', async () => (await import('./gallery/case.js')).gallery],
  ['directory', async () => (await import('./directory/case.js')).directory],
  ['overload', async () => (await import('./overload/case.js')).overload],
  ['unlock', async () => (await import('./unlock/case.js')).unlock],
]);
