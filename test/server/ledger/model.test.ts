/**
 * The ledger against a dumb model of it: whatever is put, asked, retried, confirmed and delivered, at whatever
 * time and at whichever of two servers, both say the same, and in the end the log tells what happened.
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import fc from 'fast-check';
import { verifyLog } from '../../../core/rights/log.js';
import { Refused } from '../../../core/rpc/errors.js';
import { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { RightsSchema } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import type { Ledger } from '../../../server/ledger/ledger.js';
import { rightsOf } from '../../core/rights/samples.js';
import {
  alice,
  bob,
  bytes16,
  bytes32,
  hex,
  ledgerOn,
  opened,
  sealId,
  signed,
  startMs,
  viewIdAt,
  wholeLog,
} from './scene.js';
import type { Clock } from './scene.js';

type Step =
  | { type: 'put'; ahead: number; quota: number; revoked: boolean; lifeMs: number | null }
  | { type: 'spend'; ageMs: number }
  | { type: 'retry' | 'confirm'; which: number }
  | { type: 'deliver'; snapshot: number }
  | { type: 'wait'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('put'),
      ahead: fc.constantFrom(1, 1, 1, 1, 0, 2, -1),
      quota: fc.nat({ max: 5 }),
      revoked: fc.constantFrom(false, false, false, true),
      lifeMs: fc.option(fc.nat({ max: 90_000 }), { freq: 3 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('spend'),
      ageMs: fc.constantFrom(0, 0, 0, 60_000, 65_000, 65_001, -5_000, -5_001),
    }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('retry'), which: fc.nat({ max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('confirm'), which: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('deliver'), snapshot: fc.nat({ max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait'), ms: fc.constantFrom(1, 30_000, 70_000) }) },
);

interface View {
  readonly id: Uint8Array;
  readonly madeAtMs: number;
  releases: number;
  confirmed: boolean;
}

/** What the ledger should do, as plainly as it can be said. */
class Model {
  rights: Rights | undefined;
  used = 0;
  snapshot = -1;
  readonly views: View[] = [];
  readonly log: string[] = [];

  put(next: Rights): string {
    if (!this.rights && next.version !== 1) return 'UNKNOWN_GRANT';
    const isSame = this.rights !== undefined && sameRights(this.rights, next);
    if (!isSame && this.rights && next.version !== this.rights.version + 1) return 'VERSION_CONFLICT';
    if (!isSame) {
      this.rights = next;
      this.#write(next.version === 1 ? LogEvent.GRANT : LogEvent.UPDATE);
    }
    return `ok ${this.used}`;
  }

  ask(view: View, nowMs: number): string {
    const { rights } = this;
    if (!rights) return 'UNKNOWN_GRANT';
    if (rights.revoked) return 'REVOKED';
    if (rights.expiresAt && timestampMs(rights.expiresAt) <= nowMs) return 'EXPIRED';
    const ageMs = nowMs - view.madeAtMs;
    if (ageMs > 65_000 || ageMs < -5_000 || view.releases === 3) return 'VIEW_ID_STALE';
    if (view.releases === 0 ? this.used >= rights.quota : this.used > rights.quota) return 'VIEWS_SPENT';
    if (view.releases === 0) {
      this.used++;
      this.views.push(view);
      this.#write(LogEvent.VIEW);
    }
    view.releases++;
    return `ok ${this.used}`;
  }

  confirm(view: View): string {
    if (!view.confirmed) this.#write(LogEvent.CONFIRMED);
    view.confirmed = true;
    return 'ok';
  }

  deliver(snapshot: number): string {
    if (!this.rights) return 'UNKNOWN_GRANT';
    if (this.snapshot !== snapshot) this.#write(LogEvent.DELIVERY);
    this.snapshot = snapshot;
    return 'ok';
  }

  #write(event: LogEvent): void {
    const { version, quota, revoked } = this.rights!;
    this.log.push(`${LogEvent[event]} ${version} ${revoked ? 0 : Math.max(0, quota - this.used)}`);
  }
}

const sameRights = (one: Rights, other: Rights) => {
  const told = ({ version, quota, revoked, expiresAt }: Rights) =>
    JSON.stringify([version, quota, revoked, expiresAt ? timestampMs(expiresAt) : null]);
  return told(one) === told(other);
};

const isSpent = (done: unknown): done is { used: number } =>
  typeof done === 'object' && done !== null && 'used' in done;

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    const done = await call;
    return isSpent(done) ? `ok ${done.used}` : 'ok';
  } catch (error) {
    if (error instanceof Refused) return Reason[error.reason];
    throw error;
  }
}

/** One grant of many in the store, in the model and in the ledger. */
class Run {
  readonly model = new Model();
  readonly #grantId: Uint8Array;
  readonly #ledger: () => Ledger;
  readonly #clock: Clock;

  constructor(grantId: Uint8Array, ledger: () => Ledger, clock: Clock) {
    this.#grantId = grantId;
    this.#ledger = ledger;
    this.#clock = clock;
  }

  /** What happened, in the ledger and in the model. */
  async take(step: Step): Promise<readonly [string, string]> {
    const { model } = this;
    const { ms } = this.#clock;
    switch (step.type) {
      case 'put': {
        const version = Math.max(1, (model.rights?.version ?? 0) + step.ahead);
        const next = {
          ...{ grantId: this.#grantId, imageId: this.#grantId },
          ...{ version, quota: step.quota, revoked: step.revoked },
          ...(step.lifeMs === null ? {} : { expiresAt: timestampFromMs(ms + step.lifeMs) }),
        };
        const put = await outcome(this.#ledger().put(alice, signed(next)));
        return [put, model.put(create(RightsSchema, rightsOf(next)))];
      }
      case 'spend': {
        const madeAtMs = ms - step.ageMs;
        const view = { id: viewIdAt(madeAtMs), madeAtMs, releases: 0, confirmed: false };
        return [await this.#ask(view), model.ask(view, ms)];
      }
      case 'retry': {
        const view = this.#recent(step.which);
        return view ? [await this.#ask(view), model.ask(view, ms)] : ['', ''];
      }
      case 'confirm': {
        const view = this.#recent(step.which);
        if (!view) return ['', ''];
        const confirmed = await outcome(this.#ledger().confirm(bob, this.#grantId, view.id));
        return [confirmed, model.confirm(view)];
      }
      case 'deliver': {
        const { snapshot } = step;
        const delivered = outcome(this.#ledger().recordDelivery(alice, this.#grantId, bytes32(snapshot + 1)));
        return [await delivered, model.deliver(snapshot)];
      }
      case 'wait':
        this.#clock.ms += step.ms;
        return ['', ''];
    }
  }

  #recent(which: number): View | undefined {
    return this.model.views.at(-1 - which);
  }

  #ask({ id }: View): Promise<string> {
    return outcome(this.#ledger().spend(bob, { grantId: this.#grantId, viewIds: [id], sealId }));
  }
}

test('the ledger does what a dumb model does', async (t) => {
  const { store, clock, ledger } = await opened(t);
  const servers = [ledger, ledgerOn(store, () => clock.ms)];
  t.teardown(() => servers[1]!.close());
  let calls = 0;
  let runs = 0;
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
    clock.ms = startMs;
    const grantId = bytes16(0);
    new DataView(grantId.buffer).setUint32(0, ++runs);
    const run = new Run(grantId, () => servers[calls++ % 2]!, clock);
    await run.take({ type: 'put', ahead: 1, quota: 3, revoked: false, lifeMs: null });
    for (const each of steps) {
      const [done, expected] = await run.take(each);
      if (done !== expected) throw new Error(`${JSON.stringify(each)}: ${done}, not ${expected}`);
    }
    const { entries, head } = await wholeLog(ledger, bob, grantId);
    const told = verifyLog(entries, head).map(
      ({ event, version, remaining }) => `${LogEvent[event]} ${version} ${remaining}`,
    );
    if (told.join() !== run.model.log.join()) throw new Error(`the log of ${hex(grantId)}: ${told.join()}`);
    const [status] = await ledger.read(bob, [grantId]);
    if (status!.used !== run.model.used) throw new Error(`used ${status!.used}`);
  });
  await fc.assert(property, { numRuns: 60 });
  t.true(runs >= 60);
});
