import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Loopback } from '../../chaos/hosts.js';
import { Proxy } from '../../chaos/proxy.js';
import { parseAddress } from '../../core/address.js';

const loopback = { host: '127.0.0.1', port: 0 } as const;

/** Whoever is called; the calls wait in `calls`. */
async function listening(t: ExecutionContext) {
  const server = createServer({ allowHalfOpen: true });
  server.listen(loopback);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const called = async (): Promise<Socket> => ((await once(server, 'connection')) as [Socket])[0];
  return { port: (server.address() as AddressInfo).port, called };
}

test('what is sent while nothing passes arrives when it passes again, whole and in order', async (t) => {
  const { port, called } = await listening(t);
  const proxy = await Proxy.listen(loopback, { host: '127.0.0.1', port });
  t.teardown(() => proxy.close());
  const near = connect({ ...parseAddress(proxy.address)!, allowHalfOpen: true });
  const far = await called();
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  near.write(sent.subarray(0, 1000));
  const [first] = (await once(far, 'data')) as [Buffer];
  far.pause();
  proxy.cable('down');
  near.end(sent.subarray(1000));
  // A new one is accepted, and gets no further than that.
  const late = connect(parseAddress(proxy.address)!);
  await once(late, 'connect');
  late.destroy();
  far.write('there');
  t.is(near.bytesRead, 0);
  proxy.cable('slow');
  const rest = await buffer(far);
  t.deepEqual(Buffer.concat([first, rest]), sent);
  far.end();
  t.is((await buffer(near)).toString(), 'there');
});

test('an end that dies is heard of at the other, and a proxy that is closed ends them all', async (t) => {
  const { port, called } = await listening(t);
  const proxy = await Proxy.listen(loopback, { host: '127.0.0.1', port });
  const [near, far] = [connect(parseAddress(proxy.address)!), await called()];
  near.resetAndDestroy();
  await ended(far);
  const [other, end] = [connect(parseAddress(proxy.address)!), await called()];
  proxy.close();
  await Promise.all([ended(other), ended(end)]);
  t.pass();
});

/** In good order or not. */
const ended = (socket: Socket): Promise<unknown> =>
  Promise.race([once(socket.resume(), 'end'), once(socket, 'close')]).catch(() => undefined);

test('hosts of the loopback network are reached at what they advertise, until their cable is cut', async (t) => {
  const { port } = await listening(t);
  const hosts = new Loopback();
  t.teardown(() => hosts.remove());
  const [one, other] = [await hosts.host([port]), await hosts.host([port])];
  t.not(one.advertised, other.advertised);
  const server = createServer((socket) => socket.pipe(socket)).listen({ host: one.address, port });
  t.teardown(() => server.close());
  await once(server, 'listening');
  const caller = connect({ host: one.advertised, port });
  t.teardown(() => caller.destroy());
  caller.write('once');
  t.is(String((await once(caller, 'data'))[0]), 'once');
  one.cable('down');
  caller.write('twice');
  one.cable('up');
  t.is(String((await once(caller, 'data'))[0]), 'twice');
});
