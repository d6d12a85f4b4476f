/** The barest server: `bare.process.js DATA`, the folder of a cloud. grpc-js as it comes, with mutual TLS. */
import path from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { pem } from '../../core/identity/tls.js';
import { openCluster } from '../../server/cluster.js';
import { drawServerIdentity } from '../../server/identity.js';
import { answering } from '../table/answering.js';
import { bareService } from './bare-service.js';

const { authority } = await openCluster(path.join(process.argv[2]!, 'cluster'));
const identity = await drawServerIdentity(authority, 'bare', Date.now());
const credentials = grpc.ServerCredentials.createSsl(
  Buffer.from(pem('CERTIFICATE', authority.certificate)),
  [
    {
      private_key: Buffer.from(identity.privateKey.export({ format: 'pem', type: 'pkcs8' })),
      cert_chain: Buffer.from(pem('CERTIFICATE', identity.certificate)),
    },
  ],
  true,
);
const server = new grpc.Server();
const { hold, echo } = bareService;
server.addService(
  { hold, echo },
  {
    hold: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (said: Buffer) => call.write(said));
      call.on('end', () => call.end());
      call.on('error', () => undefined);
    },
    echo: ({ request }: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done(null, request),
  },
);
const port = await new Promise<number>((resolve, reject) => {
  server.bindAsync('127.0.0.1:0', credentials, (error, found) => (error ? reject(error) : resolve(found)));
});
await answering({ ready: () => `127.0.0.1:${port}` });
process.exit();
