import { access, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { VAULT_LIMITS } from '../../../client/vault/limits.js';
import { draw, rightsBetween, someone, temporaryVault } from './samples.js';

const alice = someone('alice');
const bob = someone('bob');
const photo = { name: 'cat.jpg', path: 'pets/cat.jpg' };

test('one grant for a viewer key and an image', async (t) => {
  const { given } = await temporaryVault(t);
  const imageId = draw(16);
  const signedRights = rightsBetween(alice, bob, { imageId });
  const grant = given.give({ viewer: bob, photo, signedRights }, 9);
  t.deepEqual(grant, {
    grantId: grant.grantId,
    viewer: bob,
    imageId,
    photo,
    current: undefined,
    currentVersion: 0,
    pending: signedRights,
    wish: undefined,
    delivery: 'waiting',
    snapshot: undefined,
    givenAtMs: 9,
  });
  const again = given.give({ viewer: bob, photo, signedRights: rightsBetween(alice, bob, { imageId }) }, 10);
  t.deepEqual(again, grant);
  t.deepEqual(given.find(bob.fingerprint, imageId), grant);
  t.is(given.find(alice.fingerprint, imageId), undefined);
  const hex = Buffer.from(grant.grantId).toString('hex');
  t.deepEqual(given.startingWith(hex.slice(0, 7)), [grant]);
  t.deepEqual(given.startingWith(hex), [grant]);
  t.deepEqual(given.startingWith(hex.slice(0, 5) + (hex[5] === '0' ? '1' : '0')), []);
});

test('rights are pending until the ledger has them, and only the successor may be proposed', async (t) => {
  const { given } = await temporaryVault(t);
  const choice = { grantId: draw(16), imageId: draw(16) };
  const version = (number: number, quota = 3) =>
    rightsBetween(alice, bob, { ...choice, version: number, quota });
  const [one, two, otherTwo, three, four] = [version(1), version(2), version(2, 8), version(3), version(4)];
  given.give({ viewer: bob, photo, signedRights: one }, 1);
  t.false(given.propose(two), 'version 1 is not in the ledger yet');
  given.settle(one);
  t.true(given.propose(two));
  t.false(given.propose(otherTwo), 'what is pending is settled first');

  const settled = given.settle(otherTwo);
  t.deepEqual([settled?.current, settled?.pending, settled?.currentVersion], [otherTwo, undefined, 2]);
  t.deepEqual(given.settle(one)?.current, otherTwo, 'an old answer undoes nothing');
  t.false(given.propose(four), 'no version is jumped to');
  t.true(given.propose(three));
});

test('rights of a forgotten time settle what a restored vault proposed', async (t) => {
  const { given } = await temporaryVault(t);
  const choice = { grantId: draw(16), imageId: draw(16) };
  given.give({ viewer: bob, photo, signedRights: rightsBetween(alice, bob, choice) }, 1);
  const ledgers = rightsBetween(alice, bob, { ...choice, version: 7 });
  const settled = given.settle(ledgers);
  t.deepEqual([settled?.currentVersion, settled?.pending], [7, undefined]);
  t.true(given.propose(rightsBetween(alice, bob, { ...choice, version: 8 })));
  t.is(given.settle(rightsBetween(alice, bob)), undefined, 'a grant that is not mine');
});

test('the first capsule of a version is kept, until the ledger has a newer version', async (t) => {
  const { given } = await temporaryVault(t);
  const choice = { grantId: draw(16), imageId: draw(16) };
  const [one, two] = [1, 2].map((version) => rightsBetween(alice, bob, { ...choice, version }));
  given.give({ viewer: bob, photo, signedRights: one! }, 1);
  const slot = draw(2048);
  t.deepEqual(given.keepCapsule(choice.grantId, 1, slot), slot);
  t.deepEqual(given.keepCapsule(choice.grantId, 1, draw(2048)), slot, 'a delivery may be under way with it');
  given.settle(one!);
  t.deepEqual(given.capsule(choice.grantId, 1), slot);
  given.propose(two!);
  given.settle(two!);
  t.is(given.capsule(choice.grantId, 1), undefined, 'nothing is delivered with old rights');
});

test('what the ledger refused for good is withdrawn', async (t) => {
  const { given } = await temporaryVault(t);
  const choice = { grantId: draw(16), imageId: draw(16) };
  const [one, two] = [1, 2].map((version) => rightsBetween(alice, bob, { ...choice, version }));
  given.give({ viewer: bob, photo, signedRights: one! }, 1);
  given.withdraw(one!);
  t.deepEqual(given.get(choice.grantId)?.pending, one, 'version 1 is all there is of it');
  given.settle(one!);
  given.propose(two!);
  given.setWish(choice.grantId, 'more');
  given.withdraw(rightsBetween(alice, bob, { ...choice, version: 2 }));
  t.like(given.get(choice.grantId), { pending: two, wish: 'more' }, 'other rights are pending');
  given.withdraw(two!);
  t.like(given.get(choice.grantId), { pending: undefined, wish: undefined, current: one });
});

test('the grant that the ledger has for the pair takes the place of one that never counted', async (t) => {
  const { given, outbox } = await temporaryVault(t);
  const imageId = draw(16);
  const mine = given.give({ viewer: bob, photo, signedRights: rightsBetween(alice, bob, { imageId }) }, 1);
  outbox.add({ kind: 'rights-put', grantId: mine.grantId, version: 1 }, 1);
  const ledgers = rightsBetween(alice, bob, { imageId, version: 4 });
  const adopted = given.adopt(ledgers, mine, 2);
  t.like(adopted, { current: ledgers, currentVersion: 4, pending: undefined, viewer: bob, photo });
  t.is(given.get(mine.grantId), undefined);
  t.deepEqual(outbox.list(), []);
});

test('delivery and wish are remembered', async (t) => {
  const { given } = await temporaryVault(t);
  const signedRights = rightsBetween(alice, bob);
  const { grantId } = given.give({ viewer: bob, photo, signedRights }, 1);
  given.setDelivery(grantId, 'offline');
  given.setWish(grantId, '{"add":2}');
  t.is(given.get(grantId)?.delivery, 'offline');
  t.is(given.get(grantId)?.wish, '{"add":2}');
  const snapshot = draw(32);
  given.delivered(grantId, snapshot);
  given.setWish(grantId, undefined);
  const grant = given.get(grantId);
  t.deepEqual([grant?.delivery, grant?.snapshot, grant?.wish], ['delivered', snapshot, undefined]);
});

test('heads of a log: the first that was seen of a length stands, and the longest are kept', async (t) => {
  const { logHeads } = await temporaryVault(t);
  const [grantId, other] = [draw(16), draw(16)];
  const [first, second] = [draw(32), draw(32)];
  logHeads.see(grantId, [{ length: 4, head: first }], 1);
  logHeads.see(grantId, [{ length: 4, head: draw(32) }], 2);
  logHeads.see(grantId, [{ length: 0, head: draw(32) }], 3);
  logHeads.see(grantId, [{ length: 2, head: second }], 3);
  t.deepEqual(logHeads.of(grantId), [
    { length: 2, head: second, seenAtMs: 3 },
    { length: 4, head: first, seenAtMs: 1 },
  ]);
  t.deepEqual(logHeads.of(other), []);
  const many = Array.from({ length: 1_200 }, (_, at) => ({ length: at + 1, head: first }));
  logHeads.see(grantId, many, 4);
  logHeads.see(grantId, [{ length: 1_201, head: first }], 5);
  const kept = logHeads.of(grantId);
  t.deepEqual([kept.length, kept[0]?.length, kept.at(-1)?.length], [1_000, 202, 1_201]);
});

test('held: the highest version wins, with or without a picture', async (t) => {
  const { held, home } = await temporaryVault(t);
  const choice = { grantId: draw(16), imageId: draw(16) };
  const version = (number: number) => ({
    owner: alice,
    signedRights: rightsBetween(alice, bob, { ...choice, version: number }),
  });
  t.is(held.update(version(2)), 2, 'rights may come before their picture');
  t.deepEqual(held.list(), []);
  const picture = {
    file: path.join(home.inbox, 'alice-1.png'),
    snapshot: draw(32),
    carrierBytes: 5,
    leader: 's2',
    asked: false,
    receivedAtMs: 8,
  };
  await writeFile(picture.file, 'photo');
  const grant = held.receive(version(1), picture);
  t.is(grant.version, 2);
  t.deepEqual(grant.picture, { ...picture, opened: false });
  t.is(held.update(version(3)), 3);
  t.is(held.update(version(2)), 3);
  t.deepEqual(held.byFile(picture.file)?.grantId, choice.grantId);
  t.deepEqual(held.unasked(alice.fingerprint), { count: 1, bytes: 5 });

  const viewId = draw(16);
  held.beginView(choice.grantId, viewId, 77);
  t.deepEqual(held.get(choice.grantId)?.view, { viewId, beganAtMs: 77 });
  held.endView(choice.grantId);
  held.opened(choice.grantId, 'cat.jpg');
  held.opened(choice.grantId);
  t.is(held.get(choice.grantId)?.view, undefined);
  t.is(held.get(choice.grantId)?.photoName, 'cat.jpg');
  t.deepEqual(held.unasked(alice.fingerprint), { count: 0, bytes: 0 }, 'opened pictures are no burden');

  t.true(await held.forget(choice.grantId));
  await t.throwsAsync(access(picture.file));
  t.false(await held.forget(choice.grantId));
});

test('rights without a picture are bounded per owner, pictures are not refused for it', async (t) => {
  const vault = await temporaryVault(t);
  const news = () => ({ owner: alice, signedRights: rightsBetween(alice, bob) });
  vault.transact(() => {
    for (let at = 0; at < VAULT_LIMITS.awaitedPerOwnerMax; at++) vault.held.update(news());
  });
  t.is(vault.held.update(news()), undefined);
  const picture = {
    file: 'f',
    snapshot: draw(32),
    carrierBytes: 5,
    leader: 's2',
    asked: true,
    receivedAtMs: 8,
  };
  t.truthy(vault.held.receive(news(), picture).picture);
});

test('a listing is replaced as a whole, and numbers mean the last one', async (t) => {
  const { listings } = await temporaryVault(t);
  const lines = ['a.jpg', 'b.jpg'].map((name, at) => ({ number: at + 1, imageId: draw(16), name }));
  listings.replace('alice', lines);
  t.deepEqual(listings.byNumber('alice', 2), lines[1]);
  t.deepEqual(listings.byName('alice', 'a.jpg'), lines[0]);
  t.is(listings.byNumber('bob', 2), undefined);
  listings.replace('alice', [lines[1]!]);
  t.deepEqual(listings.list('alice'), [lines[1]]);
  t.is(listings.byNumber('alice', 1), undefined);
});

test('the outbox: superseded items are gone, failures wait, whoever returns wakes what waits', async (t) => {
  const { given, outbox } = await temporaryVault(t);
  const give = () => given.give({ viewer: bob, photo, signedRights: rightsBetween(alice, bob) }, 1);
  const { grantId } = give();
  const first = outbox.add({ kind: 'rights-put', grantId, version: 1 }, 10);
  const put = outbox.add({ kind: 'rights-put', grantId, version: 2 }, 11);
  const delivery = outbox.add({ kind: 'deliver', grantId, version: 2 }, 11);
  t.deepEqual(
    outbox.list().map(({ id }) => id),
    [put.id, delivery.id],
  );
  t.is(outbox.failed(first.id, 'gone', 12, 0), undefined, 'superseded while it was tried');
  t.deepEqual(outbox.due(11), [put]);
  const failed = outbox.failed(put.id, 'the cloud cannot be reached', 20, 0.5)!;
  t.deepEqual([failed.attempts, failed.lastError], [1, 'the cloud cannot be reached']);
  t.true(failed.dueAtMs > 20);
  t.deepEqual(outbox.due(20), []);
  outbox.wakeCloud(21);
  t.is(outbox.due(21)[0]?.attempts, 0);
  outbox.done(put.id);
  outbox.failed(delivery.id, 'bob does not answer', 22, 0);
  outbox.wakeViewer(alice.fingerprint, 23);
  t.deepEqual(outbox.due(23), []);
  outbox.wakeViewer(bob.fingerprint, 23);
  t.deepEqual(
    outbox.due(23).map(({ id }) => id),
    [delivery.id],
  );
});
