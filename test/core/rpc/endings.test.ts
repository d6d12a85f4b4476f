/** How calls end when something gives way: deadlines, cancellation, stuck readers, servers that stop. */
import test from 'ava';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import { RPC_LIMITS } from '../../../core/rpc/limits.js';
import { listen } from './listening.js';

function deferred<T = void>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

const abortOf = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

test.serial('a deadline ends the call on both sides, and is no failure of the handler', async (t) => {
  const aborted = deferred();
  const { client, failures } = await listen(t, Discovery, {
    lookUp: async ({ name }, { signal }) =>
      name === 'quick' ? {} : abortOf(signal).finally(aborted.resolve),
  });
  await client.lookUp({ name: 'quick' });
  await t.throwsAsync(client.lookUp({ name: 'slow' }, { deadlineMs: 100 }), { instanceOf: Unreachable });
  await aborted.promise;
  t.deepEqual(failures, []);
});

test.serial('a unary call has a deadline even if nobody sets one', async (t) => {
  const { client } = await listen(t, Discovery, { lookUp: (_, { signal }) => abortOf(signal) });
  await t.throwsAsync(client.lookUp({ name: 'bob' }), {
    instanceOf: Unreachable,
    message: 'No answer in time.',
  });
});

test.serial('a caller that cancels gets its own reason, and the handler a signal', async (t) => {
  const called = deferred();
  const aborted = deferred();
  const { client, failures } = await listen(t, Discovery, {
    lookUp: (_, { signal }) => {
      called.resolve();
      return abortOf(signal).finally(aborted.resolve);
    },
  });
  const ending = new AbortController();
  const reason = new Error('changed my mind');
  const call = client.lookUp({ name: 'bob' }, { signal: ending.signal });
  await called.promise;
  ending.abort(reason);
  t.is(await t.throwsAsync(call), reason);
  await aborted.promise;
  t.deepEqual(failures, []);
});

test.serial('leaving a stream returns its generator, which then cleans up', async (t) => {
  const returned = deferred();
  const { client } = await listen(t, Election, {
    async *watch() {
      try {
        for (;;) yield { id: 's1' };
      } finally {
        returned.resolve();
      }
    },
  });
  await one(client.watch({}));
  await returned.promise;
  t.pass();
});

test.serial('a generator that waits for its own reasons is told by the signal', async (t) => {
  const aborted = deferred();
  const { client, failures } = await listen(t, Election, {
    async *watch(_, { signal }) {
      yield { id: 's1' };
      await abortOf(signal).finally(aborted.resolve);
    },
  });
  await one(client.watch({}));
  await aborted.promise;
  t.deepEqual(failures, []);
});

test.serial('return() ends a stream that waits for its next message', async (t) => {
  const { client } = await listen(t, Election, {
    async *watch(_, { signal }) {
      yield { id: 's1' };
      await abortOf(signal);
    },
  });
  const messages = client.watch({})[Symbol.asyncIterator]();
  await messages.next();
  const waiting = messages.next();
  await messages.return?.();
  t.true((await waiting.catch(() => ({ done: true }))).done);
});

test.serial('a server that reads no more holds a writer back', async (t) => {
  const stuck = deferred();
  const { client } = await listen(t, Stego, {
    async *hide(_, { signal }) {
      stuck.resolve();
      await abortOf(signal);
      yield {};
    },
  });
  const pieceBytes = 65_536;
  let taken = 0;
  const still = deferred();
  async function* pieces() {
    for (;;) {
      taken++;
      if (taken === 4) still.resolve();
      yield { part: { case: 'cover', value: new Uint8Array(pieceBytes) } } as const;
    }
  }
  const ending = new AbortController();
  const call = client.hide(pieces(), { signal: ending.signal })[Symbol.asyncIterator]();
  const answer = call.next();
  await stuck.promise;
  await still.promise;
  const settled = await quiet(() => taken);
  ending.abort(new Error('enough'));
  await t.throwsAsync(answer, { message: 'enough' });
  // The window of the server, which is wider than HTTP/2's own, and what the writer may have unsent.
  t.true(settled * pieceBytes > RPC_LIMITS.windowBytes / 2, `${settled} pieces were taken`);
  t.true(settled * pieceBytes < 3 * RPC_LIMITS.windowBytes, `${settled} pieces were taken`);
});

test.serial('a client that reads no more holds a generator back', async (t) => {
  const pieceBytes = 65_536;
  let made = 0;
  const { client } = await listen(t, Stego, {
    async *hide() {
      for (;;) {
        made++;
        yield { part: { case: 'carrier', value: new Uint8Array(pieceBytes) } };
      }
    },
  });
  const responses = client.hide(none())[Symbol.asyncIterator]();
  await responses.next();
  const settled = await quiet(() => made);
  await responses.return?.();
  // Sixteen messages in grpc-js's buffer besides.
  t.true(settled * pieceBytes < 4 * RPC_LIMITS.windowBytes, `${settled} pieces were made`);
});

/** Takes one message and leaves. */
async function one(messages: AsyncIterable<unknown>): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.return?.();
}

async function* none(): AsyncGenerator<never> {}

/** The count once it has stopped rising: unchanged over many turns of the event loop. */
async function quiet(count: () => number): Promise<number> {
  let before = -1;
  for (let turns = 0; turns < 2000; turns = before === count() ? turns + 1 : 0) {
    before = count();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before;
}

test.serial('requests that fail at their source end the call with that failure', async (t) => {
  const { client } = await listen(t, Stego, {
    async *hide(requests) {
      for await (const _ of requests);
    },
  });
  const broken = new Error('the disk gave up');
  async function* pieces() {
    yield { part: { case: 'cover', value: new Uint8Array(1) } } as const;
    throw broken;
  }
  const error = await t.throwsAsync(async () => {
    for await (const _ of client.hide(pieces()));
  });
  t.is(error, broken);
});

test.serial('requests that fail while nobody reads them end the call at once', async (t) => {
  const { client } = await listen(t, Stego, {
    async *hide(_, { signal }) {
      await abortOf(signal);
      yield {};
    },
  });
  const broken = new Error('the disk gave up');
  let taken = 0;
  let failing = Infinity;
  async function* pieces() {
    while (taken++ < failing) yield { part: { case: 'cover', value: new Uint8Array(65_536) } } as const;
    throw broken;
  }
  const ending = new AbortController();
  const full = client.hide(pieces(), { signal: ending.signal })[Symbol.asyncIterator]().next();
  // One less than what makes the writer wait: the failure comes with pieces unsent that nobody will read.
  failing = (await quiet(() => taken)) - 1;
  ending.abort(broken);
  await t.throwsAsync(full);
  taken = 0;
  t.is(await t.throwsAsync(client.hide(pieces())[Symbol.asyncIterator]().next()), broken);
});

test.serial('a message over the limit is refused, not held', async (t) => {
  const { client } = await listen(t, Election, {
    async *watch() {
      yield { id: 'x'.repeat(RPC_LIMITS.messageBytesMax + 1) };
    },
  });
  await t.throwsAsync(
    async () => {
      for await (const _ of client.watch({}));
    },
    { message: /too large/ },
  );
});

test.serial('a server that stops waits for calls, and cancels those that outlast its patience', async (t) => {
  const called = deferred();
  const aborted = deferred();
  const { client, server } = await listen(t, Discovery, {
    lookUp: async ({ name }, { signal }) => {
      if (name === 'quick') return { entry: { name } };
      called.resolve();
      return abortOf(signal).finally(aborted.resolve);
    },
  });
  t.is((await client.lookUp({ name: 'quick' })).entry?.name, 'quick');
  const slow = client.lookUp({ name: 'slow' });
  await called.promise;
  const stopped = server.stop(100);
  await t.throwsAsync(slow, { instanceOf: Unreachable });
  await Promise.all([stopped, aborted.promise]);
  await t.throwsAsync(client.lookUp({ name: 'late' }), { instanceOf: Unreachable });
});

test.serial('a refusal right after a message arrives, though the handler still listens', async (t) => {
  const { client } = await listen(t, Discovery, {
    async *attend(requests) {
      const listening = (async () => {
        for await (const _ of requests);
      })();
      listening.catch(() => undefined);
      yield { message: { case: 'probe', value: { sequence: 1 } } };
      throw new Refused(Reason.DRAINING, 'This server is stopping.');
    },
  });
  const ending = new AbortController();
  async function* hello() {
    yield { message: { case: 'hello', value: { address: '' } } } as const;
    await new Promise((resolve) => ending.signal.addEventListener('abort', resolve));
  }
  const heard: (string | undefined)[] = [];
  const hearing = (async () => {
    for await (const { message } of client.attend(hello())) heard.push(message.case);
  })();
  const error = await t.throwsAsync(hearing, { instanceOf: Refused });
  t.is(error.reason, Reason.DRAINING);
  t.deepEqual(heard, ['probe']);
  ending.abort();
});
