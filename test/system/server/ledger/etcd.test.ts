/** A grant that many want at once, counted in etcd: through one server, and through three that race. */
import { randomUUID } from 'node:crypto';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { verifyLog } from '../../../../core/rights/log.js';
import { Refused } from '../../../../core/rpc/errors.js';
import { LogEvent } from '../../../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../../../gen/glimpse/v1/error_pb.js';
import type { Ledger } from '../../../../server/ledger/ledger.js';
import {
  alice,
  bob,
  grantId,
  hex,
  ledgerOn,
  sealId,
  signed,
  startMs,
  viewIdAt,
  wholeLog,
} from '../../../server/ledger/scene.js';
import { Etcd, isEtcdInstalled } from '../../../../demo/etcd.js';
import { skip } from '../../prerequisites.js';
import { openStore } from '../store/etcd-engine.js';

const callers = 64;
const quota = 512;

async function ledgers(t: ExecutionContext, count: number): Promise<readonly Ledger[] | undefined> {
  if (!isEtcdInstalled()) {
    skip(t, 'etcd is not installed', 'install Debian’s etcd-server');
    return undefined;
  }
  const etcd = await Etcd.start();
  t.teardown(() => etcd.remove());
  const place = etcd.location(randomUUID());
  const opened: Ledger[] = [];
  for (let index = 0; index < count; index++) {
    const store = await openStore(place);
    const ledger = ledgerOn(store, () => startMs);
    t.teardown(async () => {
      await ledger.close();
      await store.close();
    });
    opened.push(ledger);
  }
  await opened[0]!.put(alice, signed({ quota }));
  return opened;
}

/** Views of new ids, one after the other, until none is left: what was released, as the ledger counted it. */
async function view(ledger: Ledger, released: Map<string, number>): Promise<void> {
  for (;;) {
    const viewId = viewIdAt(startMs);
    try {
      const { used } = await ledger.spend(bob, { grantId, viewIds: [viewId], sealId });
      released.set(hex(viewId), used);
    } catch (error) {
      if (error instanceof Refused && error.reason === Reason.VIEWS_SPENT) return;
      throw error;
    }
  }
}

for (const servers of [1, 3]) {
  test.serial(
    `${callers} callers want one grant through ${servers} of the servers: each view is one`,
    async (t) => {
      const opened = await ledgers(t, servers);
      if (!opened) return;
      const released = new Map<string, number>();
      const begunMs = performance.now();
      await Promise.all(
        Array.from({ length: callers }, (_, caller) => view(opened[caller % servers]!, released)),
      );
      const tookMs = performance.now() - begunMs;
      t.log(`${((quota / tookMs) * 1000).toFixed(0)} views a second`);
      t.is(released.size, quota);
      const { entries, head } = await wholeLog(opened[0]!);
      const charged = verifyLog(entries, head).filter(({ event }) => event === LogEvent.VIEW);
      t.deepEqual(charged.map(({ viewId }) => hex(viewId)).toSorted(), [...released.keys()].toSorted());
      const [status] = await opened[0]!.read(alice, [grantId]);
      t.is(status!.used, quota);
    },
  );
}
