import { EventEmitter, once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { readRights } from '../../../core/rights/signed.js';
import { DISCOVERY_LIMITS } from '../../../server/discovery/limits.js';
import { Mailbox } from '../../../server/discovery/mailbox.js';
import type { Mail } from '../../../server/discovery/mailbox.js';
import { alice, bob, bytes16, hex, opened, signed } from '../ledger/scene.js';

type Scene = Awaited<ReturnType<typeof opened>>;

const grants = [1, 2, 3].map((grant) => ({ grantId: bytes16(grant), imageId: bytes16(grant) }));

type Step =
  | { readonly type: 'put'; readonly grant: number }
  | { readonly type: 'hear'; readonly acknowledge: boolean }
  | { readonly type: 'wait' }
  | { readonly type: 'attend again' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('put' as const), grant: fc.nat(grants.length - 1) }),
  fc.record({ type: fc.constant('hear' as const), acknowledge: fc.boolean() }),
  fc.record({ type: fc.constant('wait' as const) }),
  fc.record({ type: fc.constant('attend again' as const) }),
);

/** A viewer who attends: what was put, heard and acknowledged, by grant. */
class Attending {
  readonly #mailbox: Mailbox;
  readonly #ledger: Scene['ledger'];
  readonly #put = new Map<string, number>();
  readonly #acknowledged = new Map<string, number>();
  #heard = new Map<string, number>();
  #mail: Mail;
  #nowMs = 0;
  #stirred: () => void = () => undefined;

  constructor({ store, ledger }: Scene, signal: AbortSignal) {
    this.#mailbox = new Mailbox(store, ledger, () => this.#nowMs);
    this.#ledger = ledger;
    void this.#mailbox.follow(signal);
    this.#mail = this.#open();
  }

  async take(chosen: Step): Promise<void> {
    if (chosen.type === 'put') await this.#putNext(chosen.grant);
    else if (chosen.type === 'hear') await this.#hear(chosen.acknowledge);
    else if (chosen.type === 'wait') this.#nowMs += DISCOVERY_LIMITS.firstVersionMs;
    else this.attendAgain();
  }

  attendAgain(): void {
    this.#mail.close();
    this.#heard = new Map();
    this.#mail = this.#open();
  }

  /** Hears all there is; what a new mail tells must be exactly what is newer than acknowledged. */
  async hearAll(): Promise<{ heard: string[]; newer: string[] }> {
    this.attendAgain();
    while (await this.#hear(false));
    const newer = [...this.#put].filter(([key, version]) => version > (this.#acknowledged.get(key) ?? 0));
    const lines = (entries: Iterable<[string, number]>) => [...entries].map(String).sort();
    return { heard: lines(this.#heard), newer: lines(newer) };
  }

  async #putNext(grant: number): Promise<void> {
    const { grantId, imageId } = grants[grant]!;
    const version = (this.#put.get(hex(grantId)) ?? 0) + 1;
    const noticed = new Promise<void>((resolve) => (this.#stirred = resolve));
    await this.#ledger.put(alice, signed({ grantId, imageId, version }));
    this.#put.set(hex(grantId), version);
    await noticed;
  }

  async #hear(acknowledge: boolean): Promise<boolean> {
    const update = await this.#mail.next();
    if (!update) return false;
    const { grantId, version } = readRights(update.signedRights as ReturnType<typeof signed>);
    const key = hex(grantId);
    const before = this.#heard.get(key) ?? 0;
    if (version < before || version <= (this.#acknowledged.get(key) ?? 0))
      throw new Error(`version ${version} came after ${before}`);
    this.#heard.set(key, version);
    if (acknowledge) {
      await this.#mail.taken(grantId, version);
      this.#acknowledged.set(key, version);
    }
    return true;
  }

  #open(): Mail {
    return this.#mailbox.open(bob.fingerprint, () => this.#stirred());
  }
}

test('a viewer hears what is newer than acknowledged, never older after newer, and all of it', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const teardowns: (() => unknown)[] = [];
      const scene = await opened({ teardown: (free) => void teardowns.unshift(free) });
      const ending = new AbortController();
      try {
        const attending = new Attending(scene, ending.signal);
        for (const chosen of steps) await attending.take(chosen);
        const { heard, newer } = await attending.hearAll();
        t.deepEqual(heard, newer);
      } finally {
        ending.abort();
        for (const free of teardowns) await free();
      }
    }),
    { numRuns: 15 },
  );
});

test('a viewer who does not listen costs a bounded number of grant ids, and misses nothing', async (t) => {
  const { store, ledger } = await opened(t);
  let stirs = 0;
  const mail = new Mailbox(store, ledger, () => 0).open(bob.fingerprint, () => (stirs += 1));
  t.is(await mail.next(), undefined);
  await ledger.put(alice, signed(grants[0]));
  const news = DISCOVERY_LIMITS.newsMax * 2;
  for (let heard = 0; heard < news; heard += 1) {
    const grantId = new Uint8Array(16);
    new DataView(grantId.buffer).setUint32(0, heard);
    mail.hear(grantId, 1);
  }
  t.is(stirs, news);
  const update = await mail.next();
  t.deepEqual(update?.signedRights?.rights, signed(grants[0]).rights);
  mail.close();
});

/** Bob attends and has heard all there was; time passes by hand. */
async function attended(t: ExecutionContext) {
  const { store, ledger } = await opened(t);
  const clock = { ms: 0 };
  const mailbox = new Mailbox(store, ledger, () => clock.ms);
  const ending = new AbortController();
  t.teardown(() => ending.abort());
  void mailbox.follow(ending.signal);
  const open = async () => {
    const events = new EventEmitter();
    const mail = mailbox.open(bob.fingerprint, () => events.emit('stir'));
    t.teardown(() => mail.close());
    t.is(await mail.next(), undefined);
    return { mail, events };
  };
  const { mail, events } = await open();
  const put = async (version: number): Promise<void> => {
    const noticed = once(events, 'stir');
    await ledger.put(alice, signed({ ...grants[0], version }));
    await noticed;
  };
  const heard = async (): Promise<number | undefined> => {
    const update = await mail.next();
    return update && readRights(update.signedRights as ReturnType<typeof signed>).version;
  };
  return { clock, open, mail, events, put, heard };
}

test('a first version that is acknowledged in time is never sent', async (t) => {
  const { clock, mail, put, heard } = await attended(t);
  await put(1);
  t.is(await heard(), undefined);
  await mail.taken(grants[0]!.grantId, 1);
  clock.ms = DISCOVERY_LIMITS.firstVersionMs;
  t.is(await heard(), undefined);
});

test('a first version that nobody acknowledges is sent when its time has come', async (t) => {
  const { clock, events, put, heard } = await attended(t);
  await put(1);
  clock.ms = DISCOVERY_LIMITS.firstVersionMs - 1;
  // A timer that ran out early is followed by another.
  for (let stirs = 0; stirs < 2; stirs += 1) {
    const due = once(events, 'stir');
    t.is(await heard(), undefined);
    await due;
  }
  clock.ms = DISCOVERY_LIMITS.firstVersionMs;
  t.is(await heard(), 1);
  t.is(await heard(), undefined);
});

test('a second version is sent at once, in the place of a first that waits', async (t) => {
  const { clock, put, heard } = await attended(t);
  await put(1);
  t.is(await heard(), undefined);
  await put(2);
  t.is(await heard(), 2);
  clock.ms = DISCOVERY_LIMITS.firstVersionMs;
  t.is(await heard(), undefined);
});

test('whoever is gone is not stirred when a first version is due', async (t) => {
  const { clock, open, mail, events, put, heard } = await attended(t);
  const staying = await open();
  await put(1);
  clock.ms = DISCOVERY_LIMITS.firstVersionMs - 1;
  events.on('stir', () => t.fail());
  t.is(await heard(), undefined);
  mail.close();
  // Timers of as many milliseconds end in the order in which they began.
  const due = once(staying.events, 'stir');
  t.is(await staying.mail.next(), undefined);
  await due;
});
