import { once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { attend } from '../../../client/cloud/attend.js';
import type { AttendEdge, Attending, Taken } from '../../../client/cloud/attend.js';
import { Outgoing } from '../../../client/cloud/outgoing.js';
import { worldEdge } from '../../../client/peer/workings.js';
import { Refused, Unreachable } from '../../../core/rpc/errors.js';
import type { Handlers } from '../../../core/rpc/method.js';
import type { AttendRequest, Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { clientOf, cloudOf, mute } from './clouds.js';
import type { TestCloud } from './clouds.js';

type AttendHandler = Handlers<typeof Discovery>['attend'];

const grantId = new Uint8Array(16).fill(1);
const update = { message: { case: 'update', value: {} } } as const;

function attended(server: string, servers: string[] = []) {
  const value = { sessionId: new Uint8Array(16), now: timestampFromMs(1_000), servers, server };
  return { message: { case: 'attended', value } } as const;
}

/** What servers heard, in order, and what the client was told. */
function watching() {
  const heard = new Outgoing<string>();
  const hear = (next: IteratorResult<AttendRequest, unknown>): void => {
    if (next.done === true) return;
    const { case: kind, value } = next.value.message;
    if (kind === 'hello') heard.push(`hello ${value.address}`);
    if (kind === 'taken') heard.push(`taken ${value.version}`);
    if (kind === 'answer') heard.push(`answer ${value.sequence}`);
  };
  const events = heard[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await events.next()).value as string;
  return { heard, hear, next };
}

async function present(address: string) {
  return { entry: { name: 'alice', online: true, address, sessionId: new Uint8Array(16) } };
}

function attending(
  t: ExecutionContext,
  { cloud, at }: Pick<TestCloud, 'cloud' | 'at'>,
  own: Partial<Attending>,
  edge: AttendEdge = worldEdge,
) {
  const ending = new AbortController();
  const parts: Attending = {
    name: 'alice',
    address: '127.0.0.1:9',
    take: () => Promise.resolve(undefined),
    attended: () => undefined,
    away: () => undefined,
    ...own,
  };
  const over = attend(cloud, at, parts, ending.signal, edge);
  t.teardown(async () => {
    ending.abort();
    await over.catch(() => undefined);
  });
  return over;
}

test.serial(
  'an update is acknowledged after it is durable, a bad one never, and probes are answered',
  async (t) => {
    const { heard, hear, next } = watching();
    const handler: AttendHandler = async function* (requests) {
      const said = requests[Symbol.asyncIterator]();
      hear(await said.next());
      yield attended('s1');
      yield update;
      yield update;
      yield { message: { case: 'probe', value: { sequence: 7 } } };
      for (let more = await said.next(); more.done !== true; more = await said.next()) hear(more);
    };
    const cloud = await cloudOf(t, { discovery: { attend: handler } });
    let updates = 0;
    let acknowledge: (taken: Taken) => void = () => t.fail('not attended yet');
    void attending(t, cloud, {
      take: async () => {
        updates += 1;
        if (updates === 2) return undefined;
        heard.push('durable');
        return { grantId, version: 4 };
      },
      attended: (server, nowMs, how) => {
        acknowledge = how;
        heard.push(`attended ${server} at ${nowMs}`);
      },
    });
    t.is(await next(), 'hello 127.0.0.1:9');
    t.is(await next(), 'attended s1 at 1000');
    t.is(await next(), 'durable');
    t.is(await next(), 'taken 4');
    t.is(await next(), 'answer 7');
    acknowledge({ grantId, version: 9 });
    t.is(await next(), 'taken 9', 'rights that came another way are acknowledged too');
  },
);

test.serial(
  'a server that says goodbye, one that breaks and one that never answers are left for another',
  async (t) => {
    const { hear, heard, next } = watching();
    const says = (id: string, then: 'goodbye' | 'breaks' | 'stays'): AttendHandler =>
      async function* (requests, { signal }) {
        const said = requests[Symbol.asyncIterator]();
        hear(await said.next());
        yield attended(id);
        if (then === 'goodbye') yield { message: { case: 'goodbye', value: {} } };
        if (then === 'breaks') throw new Error('struck by lightning');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      };
    const { servers, authority } = await cloudOf(
      t,
      { discovery: { attend: says('s1', 'goodbye') } },
      { discovery: { attend: says('s2', 'breaks') } },
      { discovery: { attend: says('s3', 'stays') } },
    );
    const [one, two, three] = servers.map(({ address }) => address);
    const client = await clientOf(t, authority, [one!, await mute(t), two!, three!]);
    void attending(t, client, {
      attended: (server) => heard.push(server),
      away: (cause) =>
        heard.push(cause === undefined ? 'goodbye' : cause instanceof Unreachable ? 'no answer' : 'broken'),
    });
    const seen: string[] = [];
    while (seen.at(-1) !== 's3') seen.push(await next());
    const hello = 'hello 127.0.0.1:9';
    t.deepEqual(seen, [hello, 's1', 'goodbye', 'no answer', hello, 's2', 'broken', hello, 's3']);
  },
);

test.serial('whose presence lasts a while each time is never away for long, whose does not is', async (t) => {
  const handler: AttendHandler = async function* (requests) {
    await requests[Symbol.asyncIterator]().next();
    yield attended('s1');
    yield { message: { case: 'goodbye', value: {} } };
  };
  const cloud = await cloudOf(t, { discovery: { attend: handler } });
  for (const secondsPresent of [2, 0]) {
    const slept: number[] = [];
    let nowMs = 0;
    await new Promise<void>((resolve) => {
      const edge: AttendEdge = {
        clock: () => (nowMs += 1_000 * secondsPresent),
        random: () => 0.5,
        sleep: async (ms, signal) => {
          if (slept.push(ms) < 9) return;
          resolve();
          await once(signal, 'abort');
        },
      };
      void attending(t, cloud, {}, edge);
    });
    t.is(Math.max(...slept) < 100, secondsPresent > 0, slept.join(', '));
  }
});

test.serial('a name that attends elsewhere is not fought over', async (t) => {
  const handler: AttendHandler = async function* () {
    throw new Refused(Reason.ATTENDED_ELSEWHERE, 'another client took over');
  };
  const discovery = { attend: handler, lookUp: () => present('127.0.0.1:10') };
  const cloud = await cloudOf(t, { discovery }, { discovery });
  const error = await t.throwsAsync(attending(t, cloud, {}), { instanceOf: Refused });
  t.is(error.reason, Reason.ATTENDED_ELSEWHERE);
});

test.serial('a name that was taken over by an attempt of its own, come late, attends again', async (t) => {
  const { heard, hear, next } = watching();
  let calls = 0;
  const handler: AttendHandler = async function* (requests, { signal }) {
    hear(await requests[Symbol.asyncIterator]().next());
    calls += 1;
    if (calls === 1) throw new Refused(Reason.ATTENDED_ELSEWHERE, 'the earlier attempt took over');
    yield attended('s1');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  };
  const discovery = { attend: handler, lookUp: () => present('127.0.0.1:9') };
  void attending(t, await cloudOf(t, { discovery }), { attended: (server) => heard.push(server) });
  const hello = 'hello 127.0.0.1:9';
  t.deepEqual([await next(), await next(), await next()], [hello, hello, 's1']);
});
