/** The ways in which the case spends a view. */
import { randomBytes } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import pRetry from 'p-retry';
import { v7 } from 'uuid';
import { Servers } from '../../client/cloud/servers.js';
import { isTurnedAway, waitAsTold } from '../../client/cloud/waiting.js';
import { toServer } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import type { Ledger } from '../../server/ledger/ledger.js';
import { StoreUnavailable } from '../../server/store/store.js';
import type { Compare, Store } from '../../server/store/store.js';
import { bareService } from '../harness/bare-service.js';
import type { Granting, Registered, Registry } from '../harness/registry.js';

/** Spends one view. */
export type Spend = () => Promise<void>;

/** A way over a connection, which is to be closed. */
export interface Calling {
  readonly spend: Spend;
  readonly close: () => void;
}

/** A grant, as the ledger knows its viewer. */
export type Held = Pick<Granting, 'grantId' | 'sealId'> & {
  readonly viewer: Pick<Registered, 'fingerprint'>;
};

const viewIds = (): Uint8Array[] => [v7({}, new Uint8Array(16))];

/** As the server does, without the network. */
export function byLedger(ledger: Ledger, { viewer, grantId, sealId }: Held): Spend {
  return async () => {
    const unlocking = { grantId, viewIds: viewIds(), sealId };
    const spend = () => ledger.spend(viewer, unlocking);
    // The same view again, as a client does of which nobody knows whether it was spent.
    await spend().catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return spend();
      throw error;
    });
  };
}

/**
 * As a client does: over mutual TLS, at a server, waiting where it is told to. All who share a grant are one client
 * with one connection, and have the rate of one name.
 */
export async function byCalls(
  registry: Registry,
  { viewer, grantId, sealId }: Held & { readonly viewer: Registered },
  addresses: readonly string[],
): Promise<Calling> {
  const servers = new Servers(await registry.identity(viewer));
  let calls = 0;
  const spend = async (): Promise<void> => {
    const { stego } = servers.at(addresses[calls++ % addresses.length]!);
    const asked = { grantId, viewIds: viewIds(), sealId };
    await pRetry(() => stego.unlock(asked), {
      retries: Number.POSITIVE_INFINITY,
      minTimeout: 0,
      onFailedAttempt: ({ error }) => waitAsTold(error),
      shouldRetry: ({ error }) => isTurnedAway(error),
    });
  };
  return { spend, close: () => servers.close() };
}

/** As large as a question and an answer of the product's: what they cost without doing anything. */
const echoed = Buffer.alloc(96);

/** No view: grpc-js as it comes, on a connection like the product's. */
export async function byBareCalls(
  registry: Registry,
  viewer: Registered,
  [address]: readonly string[],
): Promise<Calling> {
  const channel = openChannel(address!, toServer(await registry.identity(viewer)));
  const client = new grpc.Client(address!, grpc.credentials.createInsecure(), {
    channelOverride: channel.raw,
  });
  const { path, requestSerialize, responseDeserialize } = bareService.echo;
  const spend = (): Promise<void> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, echoed, (error) =>
        error ? reject(error) : resolve(),
      );
    });
  return { spend, close: () => channel.close() };
}

/** Bytes of a grant's tally, of an entry of its log, and of a view. */
const rowBytes = { tally: 209, log: 112, view: 15 } as const;

/**
 * What spending a view writes, and nothing around it, where nobody looks. Each caller has rows of its own, of bytes
 * that are drawn before: drawing them for each took a fifth of the CPU that was measured.
 */
export function byStore(store: Store, caller: string): Spend {
  const row = (bytes: number) => {
    const value = new Uint8Array(randomBytes(bytes));
    return (key: string) => ({ type: 'put', key, value, quiet: true }) as const;
  };
  const rows = { tally: row(rowBytes.tally), log: row(rowBytes.log), view: row(rowBytes.view) };
  let tally: Compare = { key: `bench/tally/${caller}`, revision: 0 };
  let views = 0;
  return async () => {
    const place = String((views += 1)).padStart(8, '0');
    const written = await store.transact(
      [tally],
      [
        rows.tally(tally.key),
        rows.log(`bench/log/${caller}/${place}`),
        rows.view(`bench/view/${caller}/${place}`),
      ],
    );
    if (!written.ok) throw new Error('another wrote the rows of this caller');
    tally = { ...tally, revision: written.revision };
  };
}
