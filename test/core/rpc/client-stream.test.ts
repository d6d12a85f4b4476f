/** The fourth kind of call, which no contract has yet: a service described here and nowhere else. */
import { create, toBinary } from '@bufbuild/protobuf';
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { file_glimpse_v1_discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import type { ListResponseSchema, LookUpRequestSchema } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Refused } from '../../../core/rpc/errors.js';
import { listen } from './listening.js';

const file = create(FileDescriptorProtoSchema, {
  name: 'test/roll.proto',
  package: 'test',
  syntax: 'proto3',
  dependency: ['glimpse/v1/discovery.proto'],
  service: [
    {
      name: 'Roll',
      method: [
        {
          name: 'Call',
          inputType: '.glimpse.v1.LookUpRequest',
          outputType: '.glimpse.v1.ListResponse',
          clientStreaming: true,
        },
      ],
    },
  ],
});
const encoded = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');
const Roll: GenService<{
  call: {
    methodKind: 'client_streaming';
    input: typeof LookUpRequestSchema;
    output: typeof ListResponseSchema;
  };
}> = serviceDesc(fileDesc(encoded, [file_glimpse_v1_discovery]), 0);

async function* named(...names: string[]) {
  for (const name of names) yield { name };
}

test.serial('many requests, one response', async (t) => {
  const { client } = await listen(t, Roll, {
    async call(requests) {
      const entries = [];
      for await (const { name } of requests) entries.push({ name });
      return { entries };
    },
  });
  const { entries } = await client.call(named('alice', 'bob', 'carol'));
  t.deepEqual(
    entries.map(({ name }) => name),
    ['alice', 'bob', 'carol'],
  );
});

test.serial('the answer may come before the last request, and a refusal too', async (t) => {
  const { client } = await listen(t, Roll, {
    async call(requests) {
      const first = await requests[Symbol.asyncIterator]().next();
      if (first.done !== true && first.value.name === 'mallory')
        throw new Refused(Reason.UNKNOWN_PEER, 'Not on this roll.');
      return { more: true };
    },
  });
  async function* endless(name: string) {
    for (;;) yield { name };
  }
  t.true((await client.call(endless('alice'))).more);
  const error = await t.throwsAsync(client.call(endless('mallory')), { instanceOf: Refused });
  t.is(error.reason, Reason.UNKNOWN_PEER);
});

test.serial('a request that breaks the contract, and a source that fails', async (t) => {
  const { client } = await listen(t, Roll, {
    async call(requests) {
      for await (const _ of requests);
      return {};
    },
  });
  const error = await t.throwsAsync(client.call(named('alice', 'NOT A NAME')), { instanceOf: Refused });
  t.is(error.reason, Reason.INVALID_REQUEST);
  const broken = new Error('no more names');
  async function* failing() {
    yield { name: 'alice' };
    throw broken;
  }
  t.is(await t.throwsAsync(client.call(failing())), broken);
});
