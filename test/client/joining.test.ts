/** glimpse before it has joined, while it joins, when it leaves, and when the cloud is gone: real processes. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import type { HeldLine, Received } from '../../client/engine.js';
import { awaited } from '../../demo/processes.js';
import { Cast, photos } from './cast.js';

const test = anyTest as TestFn<{ cast: Cast }>;

test.before(async (t) => {
  t.context.cast = await Cast.gather();
  await t.context.cast.openCloud(1);
});

test.after.always(async (t) => {
  await t.context.cast.leave();
});

test.serial('before joining every command says what to do, on standard error', async (t) => {
  const nobody = t.context.cast.person('nobody');
  const lines = ['inbox', 'shared', 'peers', 'cloud', 'leave', 'up', 'gallery alice', 'view 12ab'];
  for (const line of lines) {
    const { exit, out, err } = await nobody.run([...line.split(' '), '--json']);
    t.is(exit, 1, line);
    t.is(out, '', line);
    const { error } = JSON.parse(err) as { error: { reason: string; message: string } };
    t.is(error.reason, 'NOT_JOINED', line);
    t.regex(error.message, /glimpse join/, line);
  }
  t.like((await nobody.glimpse(['status'])).result, { name: null, up: false });
  const { exit, err } = await nobody.run(['inbox']);
  t.is(exit, 1);
  t.regex(err, /glimpse: .*glimpse join CODE --name NAME/);
});

test.serial('taken names and codes that are none are refused, repeating is safe', async (t) => {
  const { cast } = t.context;
  const alice = await cast.member('alice');
  const dave = cast.person('dave');
  t.is((await dave.glimpse(['join', 'glimpse1-nonsense', '--name', 'dave'])).exit, 6);
  const taken = await dave.glimpse(['join', '-', '--name', 'alice'], cast.joinCode);
  t.like(taken, { exit: 6, error: { reason: 'NAME_TAKEN' } });
  const joined = await dave.glimpse(['join', '-', '--name', 'dave'], cast.joinCode);
  t.deepEqual(Object.keys(joined.result as object).sort(), ['fingerprint', 'name', 'recovery']);
  const again = await alice.glimpse(['join', '-', '--name', 'alice'], cast.joinCode);
  t.like(again, { exit: 0, result: { name: 'alice', recovery: null } });
});

test.serial('a recovery code gives the name to new keys', async (t) => {
  const { cast } = t.context;
  const erin = cast.person('erin');
  const joined = await erin.glimpse(['join', '-', '--name', 'erin'], cast.joinCode);
  const { fingerprint, recovery } = joined.result as { fingerprint: string; recovery: string };
  const anew = cast.person('erin-anew');
  const recover = (code: string) =>
    anew.glimpse(['join', '-', '--name', 'erin', '--recover', '-'], `${cast.joinCode}\n${code}\n`);
  t.like(await recover(`aaaa${recovery.slice(4)}`), { exit: 6, error: { reason: 'BAD_RECOVERY_CODE' } });
  const recovered = await recover(recovery);
  t.is(recovered.exit, 0, recovered.error?.message);
  t.not((recovered.result as { fingerprint: string }).fingerprint, fingerprint);
  t.like(await erin.glimpse(['peers']), { exit: 6, error: { reason: 'KEY_REPLACED' } });
});

test.serial('up says once that it is ready, is alone on its vault, and ends in good order', async (t) => {
  const { cast } = t.context;
  const frank = await cast.member('frank');
  const { address } = await frank.start(['--gallery', photos]);
  t.regex(address, /^127\.0\.0\.1:\d+$/);
  t.like(await frank.glimpse(['up', '--gallery', photos]), { exit: 1, error: { reason: 'VAULT_IN_USE' } });
  const grace = await cast.member('grace');
  t.is((await grace.glimpse(['up', '--listen', address])).exit, 1, 'a port in use');
  t.is((await grace.glimpse(['up', '--gallery', path.join(photos, 'missing')])).exit, 2);
  t.is((await grace.glimpse(['up', '--mode', 'lenient'])).exit, 2);
  const socket = path.join(frank.home, 'control', 'socket');
  t.true((await stat(socket)).isSocket());
  t.like((await frank.glimpse(['status'])).result, { name: 'frank', up: true, cloud: { reachable: true } });
  await frank.up?.stop();
  t.is(frank.up?.exit, 0);
  await t.throwsAsync(stat(socket), { code: 'ENOENT' });
  t.like((await frank.glimpse(['status'])).result, { name: 'frank', up: false });
});

test.serial('an up that was killed is no up, and gives way to another', async (t) => {
  const { cast } = t.context;
  const heidi = await cast.member('heidi');
  await heidi.start([]);
  await heidi.up?.crash();
  t.like((await heidi.glimpse(['status'])).result, { up: false });
  await heidi.start([]);
  t.like((await heidi.glimpse(['status'])).result, { up: true });
});

test.serial('leaving frees the name and the vault, and ends up', async (t) => {
  const { cast } = t.context;
  const ivan = await cast.member('ivan');
  await ivan.start([]);
  t.like(await ivan.glimpse(['leave']), { exit: 0, result: { left: true } });
  t.true(await awaited(async () => ivan.up?.ended || undefined), 'his client ends');
  t.is(ivan.up?.exit, 0);
  t.like((await ivan.glimpse(['status'])).result, { name: null });
  const other = cast.person('another-ivan');
  t.is((await other.glimpse(['join', '-', '--name', 'ivan'], cast.joinCode)).exit, 0);
});

test.serial('without the cloud rights wait, a view does not happen, status says so', async (t) => {
  const { cast } = t.context;
  const judy = await cast.member('judy');
  const kate = await cast.member('kate');
  await judy.start(['--gallery', photos, '--open']);
  await kate.start([]);
  t.is((await kate.glimpse(['gallery', 'judy'])).exit, 0, 'up --open lets every member in');
  const { exit, result, error } = await kate.glimpse(['request', 'judy', '1', '--views', '1']);
  t.is(exit, 0, error?.message);
  const { grant, image, quota } = result as Received;
  t.is(quota, 1);
  await cast.killCloud();
  const pending = await judy.glimpse(['rights', 'kate', image, '--add', '1']);
  t.like(pending, { exit: 0, result: { grant, quota: 2, delivered: 'pending' } });
  t.is((await kate.glimpse(['view', grant])).exit, 5);
  t.like((await kate.glimpse(['status'])).result, { cloud: { reachable: false } });
  t.like(((await kate.glimpse(['inbox'])).result as HeldLine[])[0], { used: null, remaining: null });
});
