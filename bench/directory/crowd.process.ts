/**
 * Clients by the thousand of the case `directory`, in one process: `crowd.process.js DATA`, the folder of the cloud.
 * They attend and take what they are told, as the product's client does.
 */
import * as grpc from '@grpc/grpc-js';
import pLimit from 'p-limit';
import { Outgoing } from '../../client/cloud/outgoing.js';
import { Servers } from '../../client/cloud/servers.js';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { toServer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { readRights } from '../../core/rights/signed.js';
import { openChannel } from '../../core/rpc/channel.js';
import type { AttendRequestSchema, AttendResponse } from '../../gen/glimpse/v1/discovery_pb.js';
import { bareService } from '../harness/bare-service.js';
import { Registry } from '../harness/registry.js';
import type { Registered } from '../harness/registry.js';
import { answering } from '../table/answering.js';
import { measuredVersion, registeredName } from './told.js';
import type { Present } from './told.js';

/** Handshakes at once: each costs both sides milliseconds of CPU, and a server gives one ten seconds. */
const connectingMax = 32;

const registry = await Registry.open(process.argv[2]!);
const arrivals: Record<string, number> = {};
const leaving: (() => void)[] = [];

/** Resolves when it is present; goes on attending. */
async function attend(identity: Identity, address: string): Promise<void> {
  const servers = new Servers(identity);
  const said = new Outgoing<MessageInitShape<typeof AttendRequestSchema>>();
  said.push({ message: { case: 'hello', value: { address: '127.0.0.1:9' } } });
  const heard = servers.at(address).discovery.attend(said)[Symbol.asyncIterator]();
  const first = await heard.next();
  if (first.done === true || first.value.message.case !== 'attended') throw new Error('it is not attended');
  void take({ [Symbol.asyncIterator]: () => heard }, said);
  leaving.push(() => servers.close());
}

async function take(
  heard: AsyncIterable<AttendResponse>,
  said: Outgoing<MessageInitShape<typeof AttendRequestSchema>>,
): Promise<void> {
  try {
    for await (const { message } of heard) {
      if (message.case !== 'update') continue;
      const { grantId, version } = readRights(message.value.signedRights!);
      const grant = Buffer.from(grantId).toString('hex');
      if (version === measuredVersion) arrivals[grant] ??= performance.timeOrigin + performance.now();
      said.push({ message: { case: 'taken', value: { grantId, version } } });
    }
  } catch {
    // It was ended: what did not arrive is missed by whoever counts.
  }
}

/** A stream of the barest service that is held open. */
function hold(identity: Identity, address: string): Promise<void> {
  const channel = openChannel(address, toServer(identity));
  const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
    channelOverride: channel.raw,
  });
  const { path, requestSerialize, responseDeserialize } = bareService.hold;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  leaving.push(() => channel.close());
  return new Promise((resolve, reject) => {
    stream.once('data', () => resolve());
    stream.on('error', reject);
    stream.write(Buffer.from('here'));
  });
}

interface Prepared {
  readonly registered: Registered;
  readonly identity: Identity;
}

let prepared: readonly Prepared[] = [];

/** Draws keys, names and certificates, so that connecting is all that is left to do. */
async function prepare(count: number): Promise<Present[]> {
  const all = await registry.registerAll(count, (index) => `present-${index}`);
  prepared = await Promise.all(
    all.map(async (registered) => ({ registered, identity: await registry.identity(registered) })),
  );
  return all.map(({ name, fingerprint }) => ({
    name,
    fingerprint: Buffer.from(fingerprint).toString('hex'),
  }));
}

/** All of them, a few at a time. */
async function connectAll(connect: (identity: Identity) => Promise<void>): Promise<void> {
  await pLimit(connectingMax).map(prepared, ({ identity }) => connect(identity));
}

function leave(): void {
  for (const each of leaving.splice(0)) each();
}

await answering({
  register: async (count: number) => {
    await registry.registerAll(count, registeredName);
  },
  prepare,
  attend: (address: string) => connectAll((identity) => attend(identity, address)),
  hold: (address: string) => connectAll((identity) => hold(identity, address)),
  leave,
  arrivals: () => arrivals,
});
leave();
await registry.close();
process.exit();
