/**
 * glimpse-server run: one server. It opens the store and the cluster's folder, serves clients and servers over
 * mutual TLS and newcomers beside it, enters itself into the address book, and leaves in good order.
 */
import { once } from 'node:events';
import type { Address } from '../../core/address.js';
import { Closing } from '../closing.js';
import type { Expected } from '../election/address-book.js';
import { createLog } from '../log.js';
import type { Log } from '../log.js';
import { startServing } from '../serving.js';
import type { Serving } from '../serving.js';
import type { StorePlace } from '../store/open.js';
import { lockServer } from './locks.js';
import { writeJson } from './outside.js';
import type { Outside } from './outside.js';

export interface RunOptions {
  readonly id: string;
  readonly data: string;
  readonly listen: Address;
  readonly enrol: Address;
  /** The host that others are told. */
  readonly advertise: string;
  readonly storePlace: StorePlace;
  /** Servers of the cloud that others may be told of before they first start. */
  readonly peers: readonly Expected[];
  readonly json: boolean;
}

/** Serves until it is told to stop. @throws CommandFailed, CannotListen, StoreUnavailable */
export async function run(options: RunOptions, outside: Outside): Promise<void> {
  const log = createLog((line) => outside.err.write(line), outside.now, { server: options.id });
  const closing = new Closing();
  try {
    const lock = lockServer(options.data, options.id);
    closing.add('lock', () => lock.release());
    const serving = await startServing({ ...options, now: outside.now, log }, closing);
    announce(options, serving, outside, log);
    if (!outside.stop.aborted) await once(outside.stop, 'abort');
    log('info', 'stopping');
    await serving.drain();
  } finally {
    await closing.close((what, error) => log('error', 'could not close', { what, error: String(error) }));
  }
  log('info', 'stopped');
}

function announce({ id, json }: RunOptions, serving: Serving, { out }: Outside, log: Log): void {
  const { address, enrolment } = serving;
  log('info', 'ready', { address, enrolment });
  if (json) writeJson(out, { ready: true, id, address, enrolment });
  else out.write(`${id} serves on ${address}; newcomers enrol at ${enrolment}\n`);
}
