/** Calls a protobuf-es service over grpc-js. The shapes are those of `Client` in core/rpc/method.ts. */
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Channel } from './channel.js';
import { RPC_LIMITS } from './limits.js';
import { decode, encode } from './messages.js';
import { pathOf } from './method.js';
import type { CallOptions, Client } from './method.js';
import { pump } from './pump.js';
import { fromStatus } from './status.js';

/** A client of the service on this channel; making one costs and opens nothing. */
export function createClient<S extends DescService>(service: S, channel: Channel): Client<S> {
  const raw = new grpc.Client(channel.address, grpc.credentials.createInsecure(), {
    channelOverride: channel.raw,
  });
  const calls = service.methods.map((method) => [method.localName, callOf(method, raw, channel)] as const);
  return Object.fromEntries(calls) as unknown as Client<S>;
}

function callOf(method: DescMethod, raw: grpc.Client, channel: Channel): unknown {
  const calling = new Calling(method, raw, channel);
  switch (method.methodKind) {
    case 'unary':
      return calling.unary;
    case 'server_streaming':
      return calling.serverStream;
    case 'client_streaming':
      return calling.clientStream;
    case 'bidi_streaming':
      return calling.bidi;
  }
}

type Init = Record<string, unknown>;
type AnyCall = grpc.ClientUnaryCall | grpc.ClientReadableStream<Buffer> | grpc.ClientWritableStream<Buffer>;
type Responses = grpc.ClientReadableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>;

const same = (bytes: Buffer): Buffer => bytes;

class Calling {
  readonly #method: DescMethod;
  readonly #raw: grpc.Client;
  readonly #channel: Channel;

  constructor(method: DescMethod, raw: grpc.Client, channel: Channel) {
    this.#method = method;
    this.#raw = raw;
    this.#channel = channel;
  }

  readonly unary = (request: Init, options: CallOptions = {}): Promise<unknown> => {
    const within = { deadlineMs: RPC_LIMITS.unaryDeadlineMs, ...options };
    return this.#single(within, (respond) => {
      const bytes = encode(this.#method.input, request);
      return this.#raw.makeUnaryRequest(
        this.#path,
        same,
        same,
        bytes,
        new grpc.Metadata(),
        timed(within),
        respond,
      );
    });
  };

  readonly clientStream = (requests: AsyncIterable<Init>, options: CallOptions = {}): Promise<unknown> => {
    const ending = new AbortController();
    let failure: { readonly cause: unknown } | undefined;
    const answer = this.#single(options, (respond) => {
      const call = this.#raw.makeClientStreamRequest(
        this.#path,
        same,
        same,
        new grpc.Metadata(),
        timed(options),
        respond,
      );
      void this.#send(requests, call, ending.signal, (cause) => (failure = { cause }));
      return call;
    });
    return answer
      .catch((error: unknown) => {
        throw failure ? failure.cause : error;
      })
      .finally(() => ending.abort());
  };

  readonly serverStream = (request: Init, options: CallOptions = {}): AsyncIterable<unknown> =>
    cancellable(options.signal, (signal) => {
      const bytes = encode(this.#method.input, request);
      const call = this.#raw.makeServerStreamRequest(
        this.#path,
        same,
        same,
        bytes,
        new grpc.Metadata(),
        timed(options),
      );
      return this.#responses(call, signal, () => undefined);
    });

  readonly bidi = (requests: AsyncIterable<Init>, options: CallOptions = {}): AsyncIterable<unknown> =>
    cancellable(options.signal, (signal) => {
      const call = this.#raw.makeBidiStreamRequest(
        this.#path,
        same,
        same,
        new grpc.Metadata(),
        timed(options),
      );
      const ending = new AbortController();
      call.once('status', () => ending.abort());
      let failure: { readonly cause: unknown } | undefined;
      void this.#send(requests, call, ending.signal, (cause) => (failure = { cause }));
      return this.#responses(call, signal, () => failure);
    });

  get #path(): string {
    return pathOf(this.#method);
  }

  async #single(
    options: CallOptions,
    start: (respond: grpc.requestCallback<Buffer>) => AnyCall,
  ): Promise<unknown> {
    const { signal } = options;
    signal?.throwIfAborted();
    let cancel = (): void => undefined;
    try {
      const bytes = await new Promise<Buffer | undefined>((resolve, reject) => {
        const call = start((error, value) => (error ? reject(error) : resolve(value)));
        cancel = () => call.cancel();
        signal?.addEventListener('abort', cancel, { once: true });
      });
      return decode(this.#method.output, bytes ?? Buffer.alloc(0));
    } catch (error) {
      throw this.#failure(error, signal);
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  /** Writes the requests; when their source fails, the call is cancelled and `failed` is told why. */
  async #send(
    requests: AsyncIterable<Init>,
    call: grpc.ClientWritableStream<Buffer>,
    signal: AbortSignal,
    failed: (cause: unknown) => void,
  ): Promise<void> {
    call.on('error', () => undefined); // the status says it too
    try {
      await pump(encoded(this.#method, requests), call, signal, 'at once');
      call.end();
    } catch (cause) {
      if (signal.aborted) return;
      failed(cause);
      call.cancel();
    }
  }

  async *#responses(
    call: Responses,
    signal: AbortSignal,
    failure: () => { readonly cause: unknown } | undefined,
  ): AsyncGenerator {
    call.on('error', () => undefined); // after the loop was left, nobody listens
    const cancel = (): void => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      signal.throwIfAborted();
      for await (const bytes of call.iterator({ destroyOnReturn: false })) {
        yield decode(this.#method.output, bytes as Buffer);
      }
    } catch (error) {
      const own = failure();
      throw own ? own.cause : this.#failure(error, signal);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  #failure(error: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (!isServiceError(error)) return error;
    const said = fromStatus(error);
    return error.code === grpc.status.UNAVAILABLE ? (this.#channel.wrongIdentity() ?? said) : said;
  }
}

const isServiceError = (error: unknown): error is grpc.ServiceError =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && 'metadata' in error;

const timed = ({ deadlineMs }: CallOptions): grpc.CallOptions =>
  deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };

async function* encoded(method: DescMethod, requests: AsyncIterable<Init>): AsyncGenerator<Buffer> {
  for await (const request of requests) yield encode(method.input, request);
}

/** A stream that starts at its first `next()` and stops at `return()`, even while it waits for a message. */
function cancellable(
  outer: AbortSignal | undefined,
  start: (signal: AbortSignal) => AsyncGenerator,
): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<unknown> {
      const ending = new AbortController();
      const signal = outer ? AbortSignal.any([outer, ending.signal]) : ending.signal;
      let messages: AsyncGenerator | undefined;
      return {
        next: () => (messages ??= start(signal)).next(),
        async return() {
          ending.abort();
          await messages?.return(undefined).catch(() => undefined);
          return { done: true, value: undefined };
        },
      };
    },
  };
}
