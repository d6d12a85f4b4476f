/** A connection that says nothing any more: a cut link, a stopped process. Nobody closes it; pings find it. */
import { once } from 'node:events';
import { connect } from 'node:http2';
import test from 'ava';
import { Proxy } from '../../../chaos/proxy.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { parseAddress } from '../../../core/address.js';
import { pem, toServer } from '../../../core/identity/tls.js';
import { openChannel } from '../../../core/rpc/channel.js';
import { createClient } from '../../../core/rpc/client.js';
import { Unreachable } from '../../../core/rpc/errors.js';
import { KEEPALIVE } from '../../../core/rpc/limits.js';
import { drawAuthority, drawIdentity } from '../../identities.js';
import { serve } from './listening.js';

test('a link that was cut ends its streams soon, on both sides', async (t) => {
  const authority = await drawAuthority();
  const [s1, s2] = [
    await drawIdentity(authority, 'server', 's1'),
    await drawIdentity(authority, 'server', 's2'),
  ];
  let gone!: () => void;
  const ended = new Promise<void>((resolve) => (gone = resolve));
  const handlers = {
    async *watch(_: unknown, { signal }: { signal: AbortSignal }) {
      signal.addEventListener('abort', gone, { once: true });
      yield { id: 's1' };
      await ended;
    },
  };
  const { address } = await serve(t, s1, Election, handlers, {}, KEEPALIVE.servers);
  const way = await Proxy.listen({ host: '127.0.0.1', port: 0 }, parseAddress(address)!);
  t.teardown(() => way.close());
  const channel = openChannel(way.address, toServer(s2), { keepalive: 'servers' });
  t.teardown(() => channel.close());
  const states = createClient(Election, channel).watch({})[Symbol.asyncIterator]();
  await states.next();
  const next = states.next();
  way.cable('down');
  const began = Date.now();
  await t.throwsAsync(next, { instanceOf: Unreachable });
  await ended;
  const { timeMs, timeoutMs } = KEEPALIVE.servers;
  const tookMs = Date.now() - began;
  t.true(tookMs >= timeoutMs / 2, `${tookMs} ms: it was not a ping that found it`);
  t.true(tookMs < 10 * (timeMs + timeoutMs), `${tookMs} ms`);
});

test('who listens pings those alone who say nothing, and lets them stay as long as they answer', async (t) => {
  const authority = await drawAuthority();
  const [s1, alice] = [
    await drawIdentity(authority, 'server', 's1'),
    await drawIdentity(authority, 'client', 'alice'),
  ];
  const silence = { timeMs: 80, timeoutMs: 80 };
  const { address } = await serve(t, s1, Election, {}, {}, silence);
  const connected = () => {
    const session = connect(`https://${address}`, {
      ca: pem('CERTIFICATE', alice.authority),
      cert: pem('CERTIFICATE', alice.certificate),
      key: alice.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      checkServerIdentity: () => undefined,
    });
    t.teardown(() => session.destroy());
    return session;
  };
  const [quiet, lively] = [connected(), connected()];
  let pings = 0;
  lively.on('ping', () => (pings += 1));
  await Promise.all([once(quiet, 'connect'), once(lively, 'connect')]);
  const saying = new AbortController();
  const talk = async (): Promise<void> => {
    while (!saying.signal.aborted) await new Promise((resolve) => lively.ping(resolve));
  };
  const talking = talk();
  for (let heard = 0; heard < 6; heard += 1) await once(quiet, 'ping');
  saying.abort();
  await talking;
  t.false(quiet.destroyed || quiet.closed);
  t.is(pings, 0);
});
