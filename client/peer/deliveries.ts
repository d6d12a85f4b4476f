/**
 * Bringing a grant's picture to its viewer. Acknowledged only after it is durable there; without progress for a
 * period and a couple of attempts the viewer counts as offline, and the cloud is told, which checks for itself.
 * docs/protocol.md, "Peers", "Delivering".
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import pRetry from 'p-retry';
import { readRights } from '../../core/rights/signed.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { DeliverRequestSchema, DeliverResponse } from '../../gen/glimpse/v1/peer_pb.js';
import { Idle } from '../cloud/idle.js';
import { Outgoing } from '../cloud/outgoing.js';
import type { Delivery, Given, OutboxItem } from '../vault/records.js';
import { Away, dial } from './dial.js';
import type { OutgoingParcel } from './parcels.js';
import { openParcel } from './parcels.js';
import type { Known, People } from './people.js';
import type { Workings } from './workings.js';

/** What became of it, and why when it was not delivered. */
export interface Outcome {
  readonly delivery: Delivery;
  readonly error?: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export class Deliveries {
  readonly #workings: Workings;
  readonly #people: People;
  /** Grants whose picture is on its way just now, by whatever stream. */
  readonly #underWay = new Set<string>();
  /** By grant: why it waits, as it was told last. */
  readonly #announced = new Map<string, string>();
  /** By viewer: the session that did not answer. */
  readonly #deaf = new Map<string, string>();

  constructor(workings: Workings, people: People) {
    this.#workings = workings;
    this.#people = people;
  }

  isUnderWay(grantId: Uint8Array): boolean {
    return this.#underWay.has(hex(grantId));
  }

  /** The session of this viewer that did not answer, in hex. */
  deafSession(viewer: string): string | undefined {
    return this.#deaf.get(viewer);
  }

  /** Delivers through the viewer's Deliver. What becomes of it is in the vault; what waits is in the outbox. */
  async send(given: Given): Promise<Outcome> {
    return this.during(given, async (parcel) => {
      try {
        await this.#attempts(given, parcel);
        this.delivered(given, parcel);
        return { delivery: 'delivered' };
      } catch (error) {
        if (!(error instanceof Refused) && !(error instanceof Unreachable)) throw error;
        const delivery = error instanceof Deaf ? 'offline' : 'waiting';
        this.waits(given, delivery);
        this.#announce(given, error.message);
        return { delivery, error: error.message };
      }
    });
  }

  /** Told once, until something else is the matter or it was delivered. */
  #announce({ grantId, photo }: Given, message: string): void {
    const key = hex(grantId);
    if (this.#announced.get(key) === message) return;
    this.#announced.set(key, message);
    this.#workings.tell(`${message} (${photo.name} waits)`);
  }

  /** `act` with the parcel of a grant, which no other stream delivers meanwhile. */
  async during<Result>(given: Given, act: (parcel: OutgoingParcel) => Promise<Result>): Promise<Result> {
    const end = this.begin(given);
    try {
      const parcel = await this.open(given);
      try {
        return await act(parcel);
      } finally {
        await parcel.close();
      }
    } finally {
      end();
    }
  }

  /** Marks a delivery as under way; returns what ends it. */
  begin({ grantId }: Given): () => void {
    const key = hex(grantId);
    this.#underWay.add(key);
    return () => this.#underWay.delete(key);
  }

  /** @throws Refused UNKNOWN_GRANT when its carrier is not here */
  async open(given: Given): Promise<OutgoingParcel> {
    const { carriers } = this.#workings.vault;
    const { sealId } = readRights(given.current!);
    const carrier = carriers.get(sealId);
    if (!carrier || !carriers.available(sealId)) {
      throw new Refused(Reason.UNKNOWN_GRANT, 'The carrier of this grant is gone: share the photo again.');
    }
    return openParcel(given, carrier, this.#workings);
  }

  /** The viewer acknowledged: durable on return, and told to the cloud soon. */
  delivered(given: Given, { snapshot }: OutgoingParcel): void {
    const { vault, edge, tell, later } = this.#workings;
    const { grantId, currentVersion: version } = given;
    const report = vault.transact(() => {
      vault.given.delivered(grantId, snapshot);
      for (const item of vault.outbox.list()) {
        if (item.kind === 'deliver' && hex(item.grantId) === hex(grantId)) vault.outbox.done(item.id);
      }
      return vault.outbox.add({ kind: 'report-delivery', grantId, version }, edge.clock());
    });
    this.#announced.delete(hex(grantId));
    tell(`delivered ${given.photo.name} to ${given.viewer.name}`);
    later(this.#record(report, snapshot));
  }

  async #record({ id, grantId }: OutboxItem, snapshot: Uint8Array): Promise<void> {
    const { vault, cloud, edge } = this.#workings;
    try {
      await cloud.recordDelivery(grantId, snapshot);
      vault.outbox.done(id);
    } catch (error) {
      vault.outbox.failed(id, String(error), edge.clock(), edge.random());
    }
  }

  /** Not delivered yet: it waits in the outbox. */
  waits(given: Given, delivery: 'waiting' | 'offline'): void {
    const { vault, edge } = this.#workings;
    const { grantId, currentVersion: version } = given;
    vault.transact(() => {
      vault.given.setDelivery(grantId, delivery);
      const queued = vault.outbox
        .list()
        .some((item) => item.kind === 'deliver' && hex(item.grantId) === hex(grantId));
      if (!queued) vault.outbox.add({ kind: 'deliver', grantId, version }, edge.clock());
    });
  }

  async #attempts(given: Given, parcel: OutgoingParcel): Promise<void> {
    const { periods } = this.#workings;
    let silent: Known | undefined;
    const attempt = async (): Promise<void> => {
      const known = await this.#viewer(given);
      try {
        await this.#attempt(known, parcel);
      } catch (error) {
        if (error instanceof Unreachable && !(error instanceof Away)) silent = known;
        throw error;
      }
    };
    try {
      await pRetry(attempt, {
        retries: periods.attempts - 1,
        minTimeout: periods.pauseMs,
        randomize: true,
        // Without an attempt it was the cloud that could not be reached, and that was asked often enough.
        shouldRetry: ({ error }) =>
          error instanceof Unreachable && !(error instanceof Away) && silent !== undefined,
      });
    } catch (error) {
      if (!(error instanceof Unreachable) || !silent) throw error;
      throw await this.#report(silent, error);
    }
  }

  /** The viewer by the key that the grant is for, and no other. */
  async #viewer({ viewer }: Given): Promise<Known> {
    const known = await this.#people.find(viewer.name);
    if (Buffer.compare(known.contact.fingerprint, viewer.fingerprint) === 0) return known;
    throw new Refused(
      Reason.KEY_CHANGED,
      `${viewer.name} has another key than the one this was shared with: share it anew.`,
    );
  }

  async #attempt(known: Known, outgoing: OutgoingParcel): Promise<void> {
    const { name } = known.contact;
    const { snapshot } = outgoing;
    const dialled = dial(this.#workings, known);
    const idle = new Idle(this.#workings.periods.progressMs, `${name} does not answer.`);
    const replies = new Outgoing<DeliverResponse['message']>();
    try {
      const requests = idle.watching(deliverRequests(outgoing, replies));
      const answers = idle.watching(dialled.peer.deliver(requests, { signal: idle.signal }));
      for await (const { message } of answers) {
        if (message.case === 'taken') {
          checkTaken(message.value.snapshot, snapshot);
          // To the end of the stream, as in cloud/hide.ts; delivered it is whatever comes of that.
          await answers.next().then(
            () => dialled.keep(),
            () => undefined,
          );
          return;
        }
        replies.push(message);
      }
      throw new Unreachable(`${name} ended the delivery without an acknowledgement.`);
    } finally {
      idle.stop();
      replies.end();
      dialled.close();
    }
  }

  /** Tells the cloud that the viewer did not answer; it checks before it believes. */
  async #report({ contact, entry }: Known, cause: Error): Promise<Unreachable> {
    const { name } = contact;
    if (entry) this.#deaf.set(name, hex(entry.sessionId));
    if (entry?.sessionId.length !== 16) return new Deaf(`${name} does not answer.`, { cause });
    const online = await this.#workings.cloud.reportOffline(name, entry.sessionId).then(
      (answer) => answer.online,
      () => false,
    );
    const found = online ? 'online, but unreachable from here' : 'offline: no acknowledgement came';
    return new Deaf(`${name} is ${found}.`, { cause });
  }
}

/** No acknowledgement after all attempts. */
class Deaf extends Unreachable {}

type Part = MessageInitShape<typeof DeliverRequestSchema>;

async function* deliverRequests(
  outgoing: OutgoingParcel,
  replies: AsyncIterable<DeliverResponse['message']>,
): AsyncGenerator<Part> {
  yield { message: { case: 'parcel', value: outgoing.parcel } };
  const reply = await replies[Symbol.asyncIterator]().next();
  if (reply.done === true || reply.value.case !== 'ready') return;
  for await (const piece of outgoing.pieces(reply.value.value.offset)) {
    yield { message: { case: 'carrier', value: piece } };
  }
}

/** @throws Refused BAD_CARRIER when something else was acknowledged */
export function checkTaken(taken: Uint8Array, snapshot: Uint8Array): void {
  if (Buffer.compare(taken, snapshot) === 0) return;
  throw new Refused(
    Reason.BAD_CARRIER,
    'The viewer acknowledged another picture than the one that was sent.',
  );
}
