import test from 'ava';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { Refused } from '../../../core/rpc/errors.js';
import { listen } from './listening.js';

test.serial('a unary call carries a request and its response, and tells who called', async (t) => {
  const { client } = await listen(t, Discovery, {
    async lookUp({ name }, { caller }) {
      t.like(caller, { role: 'client', name: 'alice' });
      return { entry: { name, online: true } };
    },
  });
  const { entry } = await client.lookUp({ name: 'bob' });
  t.is(entry?.name, 'bob');
  t.true(entry?.online);
});

test.serial('a server stream carries every response in order and then ends', async (t) => {
  const { client } = await listen(t, Election, {
    async *watch() {
      for (let n = 0; n < 500; n++) yield { id: `s${n}` };
    },
  });
  const seen: string[] = [];
  for await (const { id } of client.watch({})) seen.push(id);
  t.deepEqual(
    seen,
    Array.from({ length: 500 }, (_, n) => `s${n}`),
  );
});

test.serial('a bidirectional stream answers while it is being asked, and after', async (t) => {
  const { client } = await listen(t, Stego, {
    async *hide(requests) {
      let coverBytes = 0;
      for await (const { part } of requests) {
        if (part.case !== 'cover') continue;
        coverBytes += part.value.length;
        yield { part: { case: 'carrier', value: part.value } };
      }
      yield { part: { case: 'done', value: { payloadBytes: coverBytes } } };
    },
  });
  async function* pieces() {
    for (let n = 0; n < 40; n++)
      yield { part: { case: 'cover', value: new Uint8Array(65_536).fill(n) } } as const;
  }
  let carried = 0;
  let done: number | undefined;
  for await (const { part } of client.hide(pieces())) {
    if (part.case === 'carrier') t.is(part.value[0], carried++);
    if (part.case === 'done') done = part.value.payloadBytes;
  }
  t.is(carried, 40);
  t.is(done, 40 * 65_536);
});

test.serial('a handler that stops reading early still answers', async (t) => {
  const { client } = await listen(t, Stego, {
    async *hide(requests) {
      await requests[Symbol.asyncIterator]().next();
      yield { part: { case: 'begun', value: { leader: 's1' } } };
    },
  });
  async function* pieces() {
    for (let n = 0; n < 200; n++) yield { part: { case: 'cover', value: new Uint8Array(65_536) } } as const;
  }
  const seen: unknown[] = [];
  for await (const { part } of client.hide(pieces())) seen.push(part.case);
  t.deepEqual(seen, ['begun']);
});

test.serial('a refusal arrives as it was thrown', async (t) => {
  const { client, failures } = await listen(t, Discovery, {
    async lookUp({ name }) {
      throw new Refused(Reason.UNKNOWN_PEER, `Nobody is called ${name}: ask who is there. ☂`, { name });
    },
  });
  const error = await t.throwsAsync(client.lookUp({ name: 'mallory' }), { instanceOf: Refused });
  t.is(error.reason, Reason.UNKNOWN_PEER);
  t.is(error.message, 'Nobody is called mallory: ask who is there. ☂');
  t.deepEqual(error.metadata, { name: 'mallory' });
  t.deepEqual(failures, []);
});

test.serial('a refusal in the middle of a stream comes after what was sent', async (t) => {
  const { client } = await listen(t, Election, {
    async *watch() {
      yield { id: 'first' };
      throw new Refused(Reason.DRAINING, 'This server is about to stop: ask another.');
    },
  });
  const seen: string[] = [];
  const error = await t.throwsAsync(
    async () => {
      for await (const { id } of client.watch({})) seen.push(id);
    },
    { instanceOf: Refused },
  );
  t.deepEqual(seen, ['first']);
  t.is(error.reason, Reason.DRAINING);
});

test.serial('any other error tells the caller nothing and the log everything', async (t) => {
  const cause = new Error('the disk said: secret path');
  const { client, failures } = await listen(t, Discovery, {
    lookUp: () => Promise.reject(cause),
  });
  const error = await t.throwsAsync(client.lookUp({ name: 'bob' }), { instanceOf: Refused });
  t.is(error.reason, Reason.INTERNAL);
  t.notRegex(error.message, /secret/);
  t.deepEqual(failures, [cause]);
});

test("an error of the domain may be given the caller's words", async (t) => {
  class Full extends Error {}
  const { client, failures } = await listen(
    t,
    Discovery,
    { lookUp: () => Promise.reject(new Full()) },
    {
      asRefused: (error) =>
        error instanceof Full ? new Refused(Reason.STORE_UNAVAILABLE, 'Ask again.') : undefined,
    },
  );
  await t.throwsAsync(client.lookUp({ name: 'bob' }), { instanceOf: Refused, message: 'Ask again.' });
  t.deepEqual(failures, []);
});

test.serial('a request that breaks the contract never reaches the handler', async (t) => {
  const { client } = await listen(t, Discovery, {});
  const error = await t.throwsAsync(client.lookUp({ name: 'Not A Name' }), { instanceOf: Refused });
  t.is(error.reason, Reason.INVALID_REQUEST);
  t.deepEqual(
    error.violations.map(({ field }) => field),
    ['name'],
  );
});

test.serial('so does a message in the middle of a stream', async (t) => {
  let read = 0;
  const { client } = await listen(t, Stego, {
    async *hide(requests) {
      for await (const _ of requests) read++;
    },
  });
  async function* pieces() {
    yield { part: { case: 'cover', value: new Uint8Array(1) } } as const;
    yield {};
  }
  const error = await t.throwsAsync(
    async () => {
      for await (const _ of client.hide(pieces()));
    },
    { instanceOf: Refused },
  );
  t.is(error.reason, Reason.INVALID_REQUEST);
  t.is(read, 1);
});
