/** Sending bytes to the other process in the ways that Glimpse is compared to, all over TLS 1.3 with both sides known. */
import { fork } from 'node:child_process';
import { generateKeyPairSync, randomBytes, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { issueCertificate, makeAuthority } from '../../core/identity/certificates.js';
import { publicBytes } from '../../core/identity/keys.js';
import { pem, toPeer } from '../../core/identity/tls.js';
import type { Identity } from '../../core/identity/tls.js';
import { openChannel } from '../../core/rpc/channel.js';
import { createClient } from '../../core/rpc/client.js';
import { RPC_LIMITS } from '../../core/rpc/limits.js';
import { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import { bareService } from '../harness/bare-service.js';
import type { Run } from '../harness/case.js';
import type { Ports, Told } from './told.js';

/** Sends all of it; on return the other side has said how much it got. @throws Error if that was not all */
export type Send = (bytes: Uint8Array) => Promise<void>;

export interface Rivals {
  readonly bare: Send;
  readonly plain: Send;
  readonly edge: Send;
}

/** Ended with the case. Connections stand before anything is measured. */
export async function startRivals(run: Run): Promise<Rivals> {
  const signing = () => generateKeyPairSync('ed25519').privateKey;
  const authority = await makeAuthority(signing(), Date.now(), randomBytes(16));
  const issue = async (name: string, privateKey: KeyObject): Promise<Identity> => {
    const signingKey = publicBytes(createPublicKey(privateKey));
    const terms = { role: 'client', name, signingKey, nowMs: Date.now(), serial: randomBytes(16) } as const;
    return {
      authority: authority.certificate,
      certificate: await issueCertificate(authority, terms),
      privateKey,
    };
  };
  const [sender, receiver] = [await issue('sender', signing()), await issue('receiver', signing())];
  const child = fork(fileURLToPath(new URL('receiver.process.js', import.meta.url)));
  run.atEnd(() => child.kill());
  child.send(toldOf(receiver));
  const [ports] = (await once(child, 'message')) as [Ports];
  return {
    bare: bareSender(run, toldOf(sender), ports.bare),
    plain: plainSender(toldOf(sender), ports.plain),
    edge: edgeSender(run, sender, publicBytes(createPublicKey(receiver.privateKey)), ports.edge),
  };
}

function toldOf({ authority, certificate, privateKey }: Identity): Told {
  return {
    authority: pem('CERTIFICATE', authority),
    certificate: pem('CERTIFICATE', certificate),
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

/** grpc-js as it comes, written to as its stream asks for it. */
function bareSender(run: Run, { authority, certificate, key }: Told, port: number): Send {
  const credentials = grpc.credentials.createSsl(
    Buffer.from(authority),
    Buffer.from(key),
    Buffer.from(certificate),
    { checkServerIdentity: () => undefined },
  );
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials, {
    'grpc.ssl_target_name_override': 'glimpse',
  });
  run.atEnd(() => client.close());
  const { path: method, requestSerialize, responseDeserialize } = bareService.put;
  return async (bytes) => {
    let call!: grpc.ClientWritableStream<Buffer>;
    const answered = new Promise<Buffer>((resolve, reject) => {
      call = client.makeClientStreamRequest(
        method,
        requestSerialize,
        responseDeserialize,
        (error: grpc.ServiceError | null, answer?: Buffer) => (error ? reject(error) : resolve(answer!)),
      );
    });
    for (const piece of pieces(bytes)) {
      if (!call.write(piece)) await Promise.race([once(call, 'drain'), answered]);
    }
    call.end();
    assertAll(Number((await answered).toString()), bytes);
  };
}

function plainSender({ authority, certificate, key }: Told, port: number): Send {
  return async (bytes) => {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port, ca: authority, cert: certificate, key },
      servername: 'glimpse',
      checkServerIdentity: () => undefined,
    });
    const said: Buffer[] = [];
    socket.on('data', (piece: Buffer) => said.push(piece));
    const ended = once(socket, 'end');
    for (const piece of pieces(bytes)) if (!socket.write(piece)) await once(socket, 'drain');
    socket.end();
    await ended;
    assertAll(Number(Buffer.concat(said).toString()), bytes);
  };
}

/** Our RPC edge with its checks, as a delivery uses it, and no disk on either side. */
function edgeSender(run: Run, sender: Identity, receiverKey: Uint8Array, port: number): Send {
  const channel = openChannel(`127.0.0.1:${port}`, toPeer(sender, receiverKey));
  run.atEnd(() => channel.close());
  const peer = createClient(Peer, channel);
  return async (bytes) => {
    const requests = (async function* () {
      for (const value of pieces(bytes)) yield { message: { case: 'carrier', value } } as const;
    })();
    let taken = false;
    for await (const { message } of peer.deliver(requests)) taken = message.case === 'taken';
    if (!taken) throw new Error('nothing was acknowledged');
  };
}

function* pieces(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += RPC_LIMITS.pieceBytes) {
    yield Buffer.from(
      bytes.buffer,
      bytes.byteOffset + at,
      Math.min(RPC_LIMITS.pieceBytes, bytes.length - at),
    );
  }
}

function assertAll(count: number, bytes: Uint8Array): void {
  if (count !== bytes.length) throw new Error(`${count} bytes of ${bytes.length} came`);
}
