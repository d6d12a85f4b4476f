/**
 * glimpse-server run: one server. It opens the store and the cluster's folder, serves clients and servers over
 * mutual TLS and newcomers beside it, enters itself into the address book, and leaves in good order.
 */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Address } from '../../core/address.js';
import { holdLock } from '../../core/lock.js';
import { EXIT } from '../../core/rpc/errors.js';
import { Closing } from '../closing.js';
import { createLog } from '../log.js';
import type { Log } from '../log.js';
import { startServing } from '../serving.js';
import type { Serving } from '../serving.js';
import { CommandFailed, writeJson } from './outside.js';
import type { Outside } from './outside.js';

export interface RunOptions {
  readonly id: string;
  readonly data: string;
  readonly listen: Address;
  readonly enrol: Address;
  /** The host that others are told. */
  readonly advertise: string;
  readonly json: boolean;
}

/** Serves until it is told to stop. @throws CommandFailed, CannotListen, StoreUnavailable */
export async function run(options: RunOptions, outside: Outside): Promise<void> {
  const log = createLog((line) => outside.err.write(line), outside.now, { server: options.id });
  const closing = new Closing();
  try {
    await holdFolder(options, closing);
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

async function holdFolder({ id, data }: RunOptions, closing: Closing): Promise<void> {
  const folder = path.join(data, 'locks');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = holdLock(path.join(folder, `${id}.lock`));
  if (!lock) {
    throw new CommandFailed(
      `A server ${id} runs on ${data} already: stop it, or choose another --id or --data.`,
      EXIT.failed,
    );
  }
  closing.add('lock', () => lock.release());
}

function announce({ id, json }: RunOptions, serving: Serving, { out }: Outside, log: Log): void {
  const { address, enrolment } = serving;
  log('info', 'ready', { address, enrolment });
  if (json) writeJson(out, { ready: true, id, address, enrolment });
  else out.write(`${id} serves on ${address}; newcomers enrol at ${enrolment}\n`);
}
