/** Computers of their own, that end with the test. */
import type { ExecutionContext } from 'ava';
import { Network } from '../../demo/network.js';
import { program, skip } from './prerequisites.js';

/** A switch without hosts, or undefined, after a word, where there can be none. */
export async function layNetwork(t: ExecutionContext): Promise<Network | undefined> {
  if (program(t, 'ip', 'iproute2') === undefined) return undefined;
  const network = await Network.lay();
  if (network) t.teardown(() => network.remove());
  else skip(t, 'there can be no network namespaces here', 'be root, on Linux');
  return network;
}
