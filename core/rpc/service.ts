/**
 * Serves a protobuf-es service on grpc-js. For each call, in this order: the caller is taken from its
 * certificate, its role must be allowed, `authorize` is asked, each message is validated, the handler runs,
 * and exactly one status ends it. docs/architecture.md, "The RPC edge".
 */
import type { EventEmitter } from 'node:events';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Caller, Role } from '../identity/role.js';
import { callerOn, networkOf } from './connection.js';
import { Refused } from './errors.js';
import { decode, encode } from './messages.js';
import { pathOf, streamsRequests, streamsResponses } from './method.js';
import type { Allowed, Context, Handlers } from './method.js';
import { pump } from './pump.js';
import { toStatus } from './status.js';
import { widen } from './window.js';

/** What is called, and from where. */
export interface Asked {
  /** The method's name, as in proto/. */
  readonly method: string;
  /** The network the call comes from: an IPv4 address, or the first half of an IPv6 address. */
  readonly network: string;
}

export interface ServiceOptions<S extends DescService> {
  readonly allow: Allowed<S>;
  /** Refuses callers whose certificate alone is not enough, and those who call too often. @throws Refused */
  readonly authorize?: (caller: Caller, call: Asked) => void | Promise<void>;
  /** What an error of the domain is to the caller; undefined for errors that are nobody's business. */
  readonly asRefused?: (error: unknown) => Refused | undefined;
  /** Told of every error that the caller only sees as INTERNAL. */
  readonly failed: (method: string, cause: unknown) => void;
}

type Init = Record<string, unknown>;
type AnyHandler = (request: unknown, context: Context) => unknown;
type Call = grpc.ServerUnaryCall<Buffer, Buffer> | StreamCall;
type StreamCall = grpc.ServerDuplexStream<Buffer, Buffer> | grpc.ServerWritableStream<Buffer, Buffer>;

/** Calls `allow` does not name are refused; `handlers` and `allow` are complete by their types. */
export function addService<S extends DescService>(
  server: grpc.Server,
  service: S,
  handlers: Handlers<S>,
  options: ServiceOptions<S>,
): void {
  const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {};
  const implementation: grpc.UntypedServiceImplementation = {};
  for (const method of service.methods) {
    definition[method.localName] = definitionOf(method);
    const served = new ServedMethod(
      method,
      (handlers as Record<string, AnyHandler>)[method.localName]!.bind(handlers),
      (options.allow as Record<string, readonly Role[]>)[method.localName] ?? [],
      options,
    );
    implementation[method.localName] = streamsResponses(method) ? served.stream : served.single;
  }
  server.addService(definition, implementation);
}

const same = (bytes: Buffer): Buffer => bytes;

function definitionOf(method: DescMethod): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: pathOf(method),
    requestStream: streamsRequests(method),
    responseStream: streamsResponses(method),
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

class ServedMethod {
  readonly #method: DescMethod;
  readonly #handler: AnyHandler;
  readonly #allowed: readonly Role[];
  readonly #options: Omit<ServiceOptions<DescService>, 'allow'>;

  constructor(
    method: DescMethod,
    handler: AnyHandler,
    allowed: readonly Role[],
    options: Omit<ServiceOptions<DescService>, 'allow'>,
  ) {
    this.#method = method;
    this.#handler = handler;
    this.#allowed = allowed;
    this.#options = options;
  }

  /** One response: unary and client streaming. */
  readonly single = (
    call: grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>,
    respond: grpc.sendUnaryData<Buffer>,
  ): void => {
    const { signal, done } = endOf(call);
    const answer = async (): Promise<Buffer> => {
      const context = await this.#admit(call, signal);
      const response = await (this.#handler(this.#input(call, signal), context) as Promise<Init>);
      return encode(this.#method.output, response);
    };
    answer().then(
      (bytes) => {
        done();
        respond(null, bytes);
      },
      (error: unknown) => {
        done();
        respond(this.#statusOf(error, signal));
      },
    );
  };

  /** Many responses: server streaming and bidirectional. */
  readonly stream = (call: StreamCall): void => {
    widen(call);
    const { signal, done } = endOf(call);
    const answer = async (): Promise<void> => {
      const context = await this.#admit(call, signal);
      const responses = this.#handler(this.#input(call, signal), context) as AsyncIterable<Init>;
      await pump(this.#encoded(responses), call, signal, 'when written');
    };
    answer().then(
      () => {
        done();
        call.end();
      },
      (error: unknown) => {
        done();
        if (!signal.aborted) call.emit('error', this.#statusOf(error, signal));
      },
    );
  };

  async #admit(call: Call, signal: AbortSignal): Promise<Context> {
    const caller = callerOn(call);
    if (!this.#allowed.includes(caller.role)) {
      const message = `${this.#method.name} is not for callers of role ${caller.role}.`;
      throw new Refused(Reason.WRONG_ROLE, message);
    }
    await this.#options.authorize?.(caller, { method: this.#method.name, network: networkOf(call) });
    return { signal, caller };
  }

  #input(call: Call, signal: AbortSignal): unknown {
    if ('request' in call) return decode(this.#method.input, call.request);
    return this.#decoded(call, signal);
  }

  async *#decoded(call: grpc.ServerDuplexStream<Buffer, Buffer>, signal: AbortSignal): AsyncGenerator {
    try {
      // Destroying the call on return would lose the answer of a handler that stops reading early.
      for await (const bytes of call.iterator({ destroyOnReturn: false })) {
        yield decode(this.#method.input, bytes as Buffer);
      }
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  }

  async *#encoded(responses: AsyncIterable<Init>): AsyncGenerator<Buffer> {
    for await (const response of responses) yield encode(this.#method.output, response);
  }

  #statusOf(error: unknown, signal: AbortSignal): ReturnType<typeof toStatus> {
    const refused = error instanceof Refused ? error : this.#options.asRefused?.(error);
    if (refused) return toStatus(refused);
    // Whoever went away hears nothing, and what a handler throws on the way out is no failure.
    if (!signal.aborted) this.#options.failed(this.#method.name, error);
    return toStatus(
      new Refused(
        Reason.INTERNAL,
        'The other side failed; its log has the cause. Try again, or another server.',
      ),
    );
  }
}

/**
 * grpc-js reports cancellation, a lost connection and a passed deadline as one event, and the ordinary end of a
 * call as well: after `done` it means nothing.
 */
function endOf(call: EventEmitter & { readonly cancelled: boolean }): {
  signal: AbortSignal;
  done: () => void;
} {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  if (call.cancelled) abort();
  else call.once('cancelled', abort);
  return { signal: controller.signal, done: () => call.off('cancelled', abort) };
}
