/** Calls to etcd: deadlines, which failures are tried again and where, signing in, and how far the store has come. */
import { setTimeout } from 'node:timers/promises';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { Metadata } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Auth } from '../../../gen/etcd/etcdserverpb/rpc_pb.js';
import type { Asking, Endpoint } from './endpoint.js';
import type { Endpoints } from './endpoints.js';
import { EtcdFailure, failureOf } from './failure.js';
import { ETCD_LIMITS } from './limits.js';

export interface User {
  readonly name: string;
  readonly password: string;
}

export interface Answer {
  readonly header?: { readonly revision: bigint } | undefined;
}

export class Calls {
  readonly #endpoints: Endpoints;
  readonly #user: User | undefined;
  readonly #nowMs: () => number;
  #token: Promise<string> | undefined;
  #revision = 0;

  constructor(endpoints: Endpoints, user: User | undefined, nowMs: () => number) {
    this.#endpoints = endpoints;
    this.#user = user;
    this.#nowMs = nowMs;
  }

  /** The newest revision that any answer has told of: the store was at least there. */
  get revision(): number {
    return this.#revision;
  }

  /** The store is not where it was: it was restored from a backup. */
  forget(): void {
    this.#revision = 0;
  }

  /** What may be done twice is tried again also when nobody knows whether it was done. @throws EtcdFailure */
  repeat<I extends DescMessage, O extends DescMessage>(
    method: Asking<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#call(method, request, (type) => type !== 'refused');
  }

  /** @throws EtcdFailure, also where nobody knows whether it was done */
  once<I extends DescMessage, O extends DescMessage>(
    method: Asking<I, O>,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>> {
    return this.#call(method, request, (type) => type !== 'refused' && type !== 'unknown');
  }

  /** A member to open a stream to, and what it is to be told first. @throws StoreUnavailable */
  async member(untilMs: number): Promise<{ endpoint: Endpoint; metadata: Metadata }> {
    const endpoint = await this.#endpoints.ready(untilMs);
    return { endpoint, metadata: await this.#metadata(endpoint).catch(toFailure) };
  }

  /** What the failure of a stream means; its member is asked last for a while. */
  broke(endpoint: Endpoint, error: unknown): EtcdFailure {
    const failure = asFailure(error);
    if (failure.type === 'signed-out') this.#token = undefined;
    if (failure.type === 'unknown' || failure.type === 'not-done') this.#endpoints.distrust(endpoint);
    return failure;
  }

  heard({ header }: Answer): void {
    if (header) this.#revision = Math.max(this.#revision, Number(header.revision));
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    method: Asking<I, O>,
    request: MessageInitShape<I>,
    isTriedAgain: (type: 'not-done' | 'unknown' | 'signed-out' | 'refused') => boolean,
  ): Promise<MessageShape<O>> {
    const untilMs = this.#nowMs() + ETCD_LIMITS.callMs;
    for (;;) {
      const endpoint = await this.#endpoints.ready(untilMs);
      try {
        const metadata = await this.#metadata(endpoint);
        const answer = await endpoint.ask(method, request, metadata, ETCD_LIMITS.attemptMs);
        this.heard(answer as Answer);
        return answer;
      } catch (error) {
        const failure = this.broke(endpoint, error);
        const { type } = failure;
        const isFinal = type === 'lease-ended' || type === 'compacted' || !isTriedAgain(type);
        if (isFinal || this.#nowMs() >= untilMs) throw failure;
      }
      await setTimeout(ETCD_LIMITS.pauseMs * (1 + Math.random()));
    }
  }

  async #metadata(endpoint: Endpoint): Promise<Metadata> {
    const metadata = new Metadata();
    // A member that has lost the others says so at once, instead of waiting for them.
    metadata.set('hasleader', 'true');
    if (this.#user) metadata.set('token', await this.#signedIn(endpoint, this.#user));
    return metadata;
  }

  #signedIn(endpoint: Endpoint, user: User): Promise<string> {
    this.#token ??= signIn(endpoint, user).catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    return this.#token;
  }
}

async function signIn(endpoint: Endpoint, { name, password }: User): Promise<string> {
  const request = { name, password };
  const { token } = await endpoint.ask(
    Auth.method.authenticate,
    request,
    new Metadata(),
    ETCD_LIMITS.attemptMs,
  );
  return token;
}

function asFailure(error: unknown): EtcdFailure {
  if (error instanceof EtcdFailure) return error;
  if (!isServiceError(error)) throw error;
  return failureOf(error.code, error.details, error);
}

function toFailure(error: unknown): never {
  throw asFailure(error);
}

const isServiceError = (error: unknown): error is ServiceError =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
