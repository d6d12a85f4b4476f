/** A service's methods as TypeScript sees them, and as gRPC names them. */
import type {
  DescMessage,
  DescMethod,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Caller, Role } from '../identity/role.js';

export interface Context {
  /** Aborted when the caller cancels, goes away, or its deadline passes before the handler is done. */
  readonly signal: AbortSignal;
  /** Who calls, from the certificate alone. */
  readonly caller: Caller;
}

export interface CallOptions {
  /** How long the whole call may take. Unary calls have a default, streams may last. */
  readonly deadlineMs?: number;
  /** Cancels the call; what it was doing then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

type Shapes<Unary, ServerStream, ClientStream, Bidi> = {
  unary: Unary;
  server_streaming: ServerStream;
  client_streaming: ClientStream;
  bidi_streaming: Bidi;
};

type HandlerOf<I extends DescMessage, O extends DescMessage> = Shapes<
  (request: MessageShape<I>, context: Context) => Promise<MessageInitShape<O>>,
  (request: MessageShape<I>, context: Context) => AsyncIterable<MessageInitShape<O>>,
  (requests: AsyncIterable<MessageShape<I>>, context: Context) => Promise<MessageInitShape<O>>,
  (requests: AsyncIterable<MessageShape<I>>, context: Context) => AsyncIterable<MessageInitShape<O>>
>;

type CallOf<I extends DescMessage, O extends DescMessage> = Shapes<
  (request: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>,
  (request: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>,
  (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => Promise<MessageShape<O>>,
  (requests: AsyncIterable<MessageInitShape<I>>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
>;

/** One handler a method. It may throw `Refused`; anything else it throws is INTERNAL to the caller. */
export type Handlers<S extends DescService> = {
  readonly [K in keyof S['method']]: HandlerOf<
    S['method'][K]['input'],
    S['method'][K]['output']
  >[S['method'][K]['methodKind']];
};

/**
 * One function a method. They throw `Refused` as the server did, and `Unreachable` where no answer came.
 * A stream begins at its first `next()` and is cancelled by `return()`, as `break` in a loop does.
 */
export type Client<S extends DescService> = {
  readonly [K in keyof S['method']]: CallOf<
    S['method'][K]['input'],
    S['method'][K]['output']
  >[S['method'][K]['methodKind']];
};

/** Who may call which method. Every method has its line: there is no default. */
export type Allowed<S extends DescService> = { readonly [K in keyof S['method']]: readonly Role[] };

export const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;
export const streamsRequests = (method: DescMethod): boolean =>
  method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
export const streamsResponses = (method: DescMethod): boolean =>
  method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming';
