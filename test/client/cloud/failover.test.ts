import test from 'ava';
import { Failover } from '../../../client/cloud/failover.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { clientOf, cloudOf, deserted, mute } from './clouds.js';
import type { Serving } from './clouds.js';

const knows = (online: boolean): Serving => ({
  discovery: {
    async lookUp({ name }) {
      return { entry: { name, online } };
    },
  },
});
const refuses = (reason: ConstructorParameters<typeof Refused>[0], calls: string[] = []): Serving => ({
  discovery: {
    async lookUp({ name }) {
      calls.push(name);
      throw new Refused(reason, 'not here');
    },
  },
});

test('a server that is gone, one that stopped, one that drains and one that fails are passed over', async (t) => {
  const { servers, authority } = await cloudOf(
    t,
    refuses(Reason.DRAINING),
    refuses(Reason.STORE_UNAVAILABLE),
    knows(true),
  );
  const addresses = [await deserted(), await mute(t), ...servers.map(({ address }) => address)];
  const { cloud } = await clientOf(t, authority, addresses);
  t.true((await cloud.lookUp('bob')).online);
  t.is(cloud.servers[0], servers[2]!.address, 'who answered is asked first next time');
  const begunMs = Date.now();
  await cloud.lookUp('bob');
  t.true(Date.now() - begunMs < 1_000, 'the stopped one is not waited for again');
});

test('a server that dies while it works is replaced by the next, and the call is done there', async (t) => {
  const dying: { stop?: () => void } = {};
  const { cloud, servers } = await cloudOf(
    t,
    {
      discovery: {
        lookUp: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('gone')));
            dying.stop?.();
          }),
      },
    },
    knows(true),
  );
  dying.stop = () => void servers[0]!.stop(0);
  t.true((await cloud.lookUp('bob')).online);
});

test('a refusal that another server would repeat is not asked of another server', async (t) => {
  const calls: string[] = [];
  const { cloud } = await cloudOf(
    t,
    refuses(Reason.UNKNOWN_PEER, calls),
    refuses(Reason.UNKNOWN_PEER, calls),
  );
  const error = await t.throwsAsync(cloud.lookUp('nobody'), { instanceOf: Refused });
  t.is(error.reason, Reason.UNKNOWN_PEER);
  t.deepEqual(calls, ['nobody']);
});

test('servers that all stop, or cannot use their store, are no cloud', async (t) => {
  const { cloud } = await cloudOf(t, refuses(Reason.DRAINING), refuses(Reason.STORE_UNAVAILABLE));
  await t.throwsAsync(cloud.lookUp('bob'), { instanceOf: Unreachable, message: /No server .* not here/ });
});

test('when no server answers, the error says which were tried and what to do', async (t) => {
  const { authority } = await cloudOf(t);
  const address = await deserted();
  const { cloud } = await clientOf(t, authority, [address]);
  const error = await t.throwsAsync(cloud.lookUp('bob'), { instanceOf: Unreachable });
  t.true(error.message.includes(address));
  t.false(await cloud.answers('alice'));
});

test('attempts have whole milliseconds, however little is left', async (t) => {
  const failover = new Failover(['a:1'], (address) => address);
  const deadlines: number[] = [];
  const attempt = (_: string, { deadlineMs }: { readonly deadlineMs: number }): Promise<never> => {
    deadlines.push(deadlineMs);
    return Promise.reject(new Unreachable('nobody is there'));
  };
  await t.throwsAsync(failover.call(attempt, { attemptMs: 500 }), { instanceOf: Unreachable });
  t.true(deadlines.length > 1 && deadlines.every(Number.isInteger), deadlines.join(' '));
});

test('addresses that servers tell are asked from then on', async (t) => {
  const { servers, authority } = await cloudOf(t, knows(true));
  const { cloud } = await clientOf(t, authority, [await deserted()]);
  cloud.learn([servers[0]!.address]);
  t.true((await cloud.lookUp('bob')).online);
});
