/** One member of etcd: a connection, and the two shapes of calls that the engine makes. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { pathOf } from '../../../core/rpc/method.js';
import { ETCD_LIMITS } from './limits.js';

export type Asking<I extends DescMessage, O extends DescMessage> =
  DescMethodUnary<I, O> | DescMethodBiDiStreaming<I, O>;

export interface Stream<I extends DescMessage, O extends DescMessage> {
  write(request: MessageInitShape<I>): void;
  /** Throws grpc.ServiceError where the stream breaks. */
  readonly responses: AsyncGenerator<MessageShape<O>, void>;
  cancel(): void;
}

const same = (bytes: Buffer): Buffer => bytes;

export class Endpoint {
  /** host:port */
  readonly address: string;
  readonly #client: grpc.Client;
  #distrustedUntilMs = 0;

  constructor(address: string, credentials: grpc.ChannelCredentials) {
    this.address = address;
    this.#client = new grpc.Client(`dns:${address}`, credentials, {
      'grpc.max_receive_message_length': ETCD_LIMITS.messageBytesMax,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      // etcd hangs up on who pings it more often than every 5 s.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 2_000,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_channelz': 0,
    });
  }

  /** Whether it is connected; if not, it tries to be. */
  isReady(): boolean {
    return this.#client.getChannel().getConnectivityState(true) === grpc.connectivityState.READY;
  }

  /** Resolves when that has changed, or after so long. */
  changed(withinMs: number): Promise<void> {
    const channel = this.#client.getChannel();
    const before = channel.getConnectivityState(true);
    return new Promise((resolve) => {
      channel.watchConnectivityState(before, Date.now() + withinMs, () => resolve());
    });
  }

  distrust(nowMs: number): void {
    this.#distrustedUntilMs = nowMs + ETCD_LIMITS.distrustMs;
  }

  isTrusted(nowMs: number): boolean {
    return nowMs >= this.#distrustedUntilMs;
  }

  /** Asks once and takes the first answer. @throws grpc.ServiceError */
  ask<I extends DescMessage, O extends DescMessage>(
    method: Asking<I, O>,
    request: MessageInitShape<I>,
    metadata: grpc.Metadata,
    deadlineMs: number,
  ): Promise<MessageShape<O>> {
    const options = { deadline: Date.now() + deadlineMs };
    if (method.methodKind === 'bidi_streaming') return this.#first(method, request, metadata, options);
    const bytes = encode(method.input, request);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(pathOf(method), same, same, bytes, metadata, options, (error, answer) => {
        if (error) reject(error);
        else resolve(decode(method.output, answer!));
      });
    });
  }

  open<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    metadata: grpc.Metadata,
    options: grpc.CallOptions = {},
  ): Stream<I, O> {
    const call = this.#client.makeBidiStreamRequest(pathOf(method), same, same, metadata, options);
    call.on('error', () => undefined); // whoever reads hears it; after that nobody listens
    return {
      write: (request) => void call.write(encode(method.input, request)),
      responses: decoded(method.output, call),
      cancel: () => call.cancel(),
    };
  }

  close(): void {
    this.#client.close();
  }

  async #first<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    request: MessageInitShape<I>,
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
  ): Promise<MessageShape<O>> {
    const stream = this.open(method, metadata, options);
    stream.write(request);
    const { done, value } = await stream.responses.next();
    stream.cancel();
    if (done !== true) return value;
    throw Object.assign(new Error('the stream ended without an answer'), {
      code: grpc.status.UNAVAILABLE,
      details: 'the stream ended without an answer',
      metadata,
    });
  }
}

async function* decoded<O extends DescMessage>(
  schema: O,
  call: grpc.ClientDuplexStream<Buffer, Buffer>,
): AsyncGenerator<MessageShape<O>, void> {
  try {
    for await (const bytes of call.iterator({ destroyOnReturn: false })) {
      yield decode(schema, bytes as Buffer);
    }
  } finally {
    call.cancel();
  }
}

function encode<M extends DescMessage>(schema: M, init: MessageInitShape<M>): Buffer {
  const bytes = toBinary(schema, create(schema, init));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decode<M extends DescMessage>(schema: M, bytes: Buffer): MessageShape<M> {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return fromBinary(schema, view, { readUnknownFields: false });
}
