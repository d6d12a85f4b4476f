/**
 * The machine's CPU as systeminformation tells it, in a thread of its own: on Linux it starts a shell and waits for
 * it, which held the event loop for 5 ms, and for 50 on a busy machine.
 */
import { currentLoad } from 'systeminformation';

/** The share of all cores that was busy since the last call, 0 to 1; NaN where it is not told. */
export default async function machineLoad(): Promise<number> {
  return (await currentLoad()).currentLoad / 100;
}
