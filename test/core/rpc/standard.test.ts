/** Health and reflection, asked the way other people's tools ask. */
import { once } from 'node:events';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import type { ServiceClient } from '@grpc/grpc-js/build/src/make-client.js';
import test from 'ava';
import { service as healthDefinition } from 'grpc-health-check';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Enrolment } from '../../../gen/glimpse/v1/enrolment_pb.js';
import { CannotListen, startServer } from '../../../core/rpc/server.js';
import { addHealth, addReflection } from '../../../core/rpc/standard.js';
import type { Health } from '../../../core/rpc/standard.js';

async function standard(t: { teardown(end: () => unknown): void }) {
  let health!: Health;
  const services = [Election, Enrolment];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: grpc.ServerCredentials.createInsecure(),
    register: (raw) => {
      health = addHealth(raw, services);
      addReflection(raw, services);
    },
  });
  t.teardown(() => server.stop(100));
  return { ...server, health };
}

test('health says SERVING, then what it is told', async (t) => {
  const { address, health } = await standard(t);
  const Client = grpc.makeGenericClientConstructor(healthDefinition, 'Health');
  const client = new Client(address, grpc.credentials.createInsecure()) as ServiceClient & {
    check(request: object, answer: (error: Error | null, value?: { status: string }) => void): void;
  };
  t.teardown(() => client.close());
  const check = promisify(client.check.bind(client));
  for (const service of ['', 'glimpse.v1.Election', 'glimpse.v1.Enrolment']) {
    t.is((await check({ service }))?.status, 'SERVING');
  }
  await t.throwsAsync(check({ service: 'nobody.Knows' }));
  health.setServing(false);
  t.is((await check({ service: '' }))?.status, 'NOT_SERVING');
});

test('reflection lists our services and describes them whole', async (t) => {
  const { address } = await standard(t);
  const raw = new grpc.Client(address, grpc.credentials.createInsecure());
  t.teardown(() => raw.close());
  const ask = async (field: number, text: string): Promise<Buffer> => {
    const call = raw.makeBidiStreamRequest(
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    call.write(Buffer.concat([Buffer.from([(field << 3) | 2, text.length]), Buffer.from(text)]));
    call.end();
    const [answer] = (await once(call, 'data')) as [Buffer];
    return answer;
  };
  const listed = (await ask(7, '*')).toString('latin1');
  t.true(listed.includes('glimpse.v1.Election') && listed.includes('glimpse.v1.Enrolment'));
  t.false(listed.includes('glimpse.v1.Stego'));
  const described = (await ask(4, 'glimpse.v1.Election')).toString('latin1');
  for (const part of ['glimpse/v1/election.proto', 'google/protobuf/timestamp.proto', 'SignedTicket']) {
    t.true(described.includes(part), part);
  }
});

test('a port in use is said so, and no address at all too', async (t) => {
  const { address, port } = await standard(t);
  const again = (host: string) =>
    startServer({
      host,
      port,
      credentials: grpc.ServerCredentials.createInsecure(),
      register: () => undefined,
    });
  const error = await t.throwsAsync(again('127.0.0.1'), { instanceOf: CannotListen });
  t.is(error.message, `${address} is in use: stop the program that listens there, or choose another port.`);
  await t.throwsAsync(again('192.0.2.1'), {
    instanceOf: CannotListen,
    message: /choose an address of this machine/,
  });
});
