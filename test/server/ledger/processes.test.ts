/** Servers' processes at one grant: they race for the last view, and are killed in the middle of it. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { verifyLog } from '../../../core/rights/log.js';
import { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import type { Told } from './process.js';
import { alice, bob, grantId, hex, inPlace, ledgerAt, sealId, signed, wholeLog } from './scene.js';

/** A process's tale, to its end. */
function tale(child: ChildProcess): AsyncIterable<Told> {
  const messages = on(child, 'message', { close: ['exit'] }) as AsyncIterable<[Told]>;
  return (async function* () {
    for await (const [told] of messages) yield told;
  })();
}

async function start(t: ExecutionContext, place: string, callers: number) {
  const child = fork(new URL('./process.js', import.meta.url), [place, String(callers)]);
  t.teardown(() => child.kill('SIGKILL'));
  const told = tale(child)[Symbol.asyncIterator]();
  const first = await told.next();
  t.deepEqual(first.value, { type: 'ready' });
  return { child, told: { [Symbol.asyncIterator]: () => told } };
}

interface Counted {
  /** View ids that the ledger charged, in the order of its log. */
  readonly charged: string[];
  readonly used: number;
}

/** What the ledger says in the end; the log is proven. */
async function counted(t: ExecutionContext, place: string): Promise<Counted> {
  const { ledger } = await ledgerAt(t, place);
  const { entries, head } = await wholeLog(ledger);
  const views = verifyLog(entries, head).filter(({ event }) => event === LogEvent.VIEW);
  const [status] = await ledger.read(alice, [grantId]);
  return { charged: views.map(({ viewId }) => hex(viewId)), used: status!.used };
}

test.serial(
  'processes that race for the last views release each once, and none above the quota',
  async (t) => {
    const place = await inPlace(t);
    const { ledger } = await ledgerAt(t, place);
    const quota = 30;
    await ledger.put(alice, signed({ quota }));
    const racers = await Promise.all([1, 2, 3].map(() => start(t, place, 4)));
    for (const { child } of racers) child.send('go');
    const released: { viewId: string; used: number }[] = [];
    await Promise.all(
      racers.map(async ({ child, told }) => {
        for await (const each of told) {
          if (each.type === 'released') released.push(each);
          else if (each.type === 'refused') t.is(each.reason, 'VIEWS_SPENT');
          else if (each.type === 'done') child.disconnect();
        }
      }),
    );
    t.deepEqual(
      released.map(({ used }) => used).toSorted((a, b) => a - b),
      Array.from({ length: quota }, (_, index) => index + 1),
    );
    const { charged, used } = await counted(t, place);
    t.is(used, quota);
    t.deepEqual(released.map(({ viewId }) => viewId).toSorted(), charged.toSorted());
  },
);

test.serial(
  'a process killed in the middle loses no view, and a retry elsewhere is not charged again',
  async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 25 }), async (killAfter) => {
        const place = await inPlace(t);
        const { ledger, store } = await ledgerAt(t, place);
        const quota = 40;
        await ledger.put(alice, signed({ quota }));
        const [victim, other] = await Promise.all([start(t, place, 4), start(t, place, 2)]);
        for (const { child } of [victim, other]) child.send('go');
        const released = new Set<string>();
        const hear = async ({ child, told }: typeof victim, killed: boolean) => {
          for await (const each of told) {
            if (each.type === 'released') released.add(each.viewId);
            if (each.type === 'done') child.disconnect();
            if (killed && released.size >= killAfter) child.kill('SIGKILL');
          }
        };
        await Promise.all([hear(victim, true), hear(other, false)]);
        const { charged, used } = await counted(t, place);
        t.is(used, quota, 'the others went on to the last view');
        t.is(new Set(charged).size, quota);
        for (const viewId of released) t.true(charged.includes(viewId), 'nothing was released uncharged');
        // What was charged and not told is had by asking again.
        for (const viewId of charged.filter((each) => !released.has(each))) {
          const again = { grantId, viewIds: [new Uint8Array(Buffer.from(viewId, 'hex'))], sealId };
          t.is((await ledger.spend(bob, again)).used, quota);
        }
        t.is((await store.list({ prefix: 'view/' })).length, quota);
      }),
      { numRuns: 4 },
    );
  },
);
