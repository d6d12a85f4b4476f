/**
 * The other end of the transfers that Glimpse is compared to, a process of its own: it counts what comes and says so.
 * Its identity comes over the channel to its parent, which is told the ports.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { createPrivateKey } from 'node:crypto';
import { ListenerCredentials } from '../../core/identity/tls.js';
import { startServer } from '../../core/rpc/server.js';
import { addService } from '../../core/rpc/service.js';
import { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import { bareService } from '../harness/bare-service.js';
import type { Ports, Told } from './told.js';

const [told] = (await once(process, 'message')) as [Told];
const privateKey = createPrivateKey(told.key);

const bare = new grpc.Server({ 'grpc.max_receive_message_length': 2 ** 21 });
bare.addService(
  { put: bareService.put },
  {
    put: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      let bytes = 0;
      call.on('data', (piece: Buffer) => (bytes += piece.length));
      call.on('end', () => done(null, Buffer.from(String(bytes))));
    },
  },
);
const credentials = grpc.ServerCredentials.createSsl(
  Buffer.from(told.authority),
  [{ private_key: Buffer.from(told.key), cert_chain: Buffer.from(told.certificate) }],
  true,
);
const barePort = await new Promise<number>((resolve, reject) => {
  bare.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
});

const plain = tls.createServer(
  { key: told.key, cert: told.certificate, ca: told.authority, requestCert: true, minVersion: 'TLSv1.3' },
  (socket) => {
    let bytes = 0;
    socket.on('data', (piece: Buffer) => (bytes += piece.length));
    socket.on('end', () => socket.end(String(bytes)));
    socket.on('error', () => socket.destroy());
  },
);
plain.listen(0, '127.0.0.1');
await once(plain, 'listening');

const der = (text: string) => Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64');
const identity = { authority: der(told.authority), certificate: der(told.certificate), privateKey };
const unused = () => Promise.reject(new Error('not of this measurement'));
const edge = await startServer({
  host: '127.0.0.1',
  port: 0,
  credentials: new ListenerCredentials(identity, 'required'),
  register: (server) =>
    addService(
      server,
      Peer,
      {
        browse: unusedStream,
        requestPhoto: unusedStream,
        updateRights: unused,
        async *deliver(requests) {
          for await (const { message } of requests) {
            if (message.case === 'parcel') yield { message: { case: 'ready', value: { offset: 0 } } };
          }
          yield { message: { case: 'taken', value: { snapshot: new Uint8Array(32) } } };
        },
      },
      {
        allow: { browse: [], requestPhoto: [], deliver: ['client'], updateRights: [] },
        failed: (method, cause) => process.stderr.write(`${method}: ${String(cause)}\n`),
      },
    ),
});

async function* unusedStream(): AsyncGenerator<never> {
  yield await unused();
}

const ports: Ports = { bare: barePort, plain: (plain.address() as AddressInfo).port, edge: edge.port };
process.send!(ports);
process.once('disconnect', () => process.exit());
