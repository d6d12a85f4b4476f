/**
 * A process to be killed: it fills a vault without pause and says on standard output what is durable, a line each.
 * What one line tells of belongs together: a grant and its errand, or a picture and its row.
 */
import { once } from 'node:events';
import { openVault } from '../../../client/vault/vault.js';
import { draw, rightsBetween, sha256, someone } from './samples.js';

const vault = openVault(process.argv[2]!);
const [alice, bob] = [someone('alice'), someone('bob')];
for (let turn = 0; ; turn++) {
  const grantId = draw(16);
  give(grantId, turn);
  await say('given', grantId);
  await receive(grantId, turn);
  await say('held', grantId);
}

function give(grantId: Uint8Array, turn: number): void {
  vault.transact(() => {
    const signedRights = rightsBetween(alice, bob, { grantId });
    vault.given.give({ viewer: bob, photo: { name: 'p', path: 'p' }, signedRights }, turn);
    vault.outbox.add({ kind: 'rights-put', grantId, version: 1 }, turn);
  });
}

async function receive(grantId: Uint8Array, turn: number): Promise<void> {
  const bytes = draw(30_000);
  const carrier = await vault.incoming.open({ grantId, snapshot: sha256(bytes), carrierBytes: bytes.length });
  if (carrier === 'busy') throw new Error('nobody else receives here');
  await carrier.write(bytes);
  const signedRights = rightsBetween(bob, alice, { grantId });
  const held = await carrier.take({
    owner: bob,
    signedRights,
    leader: 's1',
    asked: true,
    receivedAtMs: turn,
  });
  if (!held) throw new Error('what was written is what was announced');
}

async function say(what: string, grantId: Uint8Array): Promise<void> {
  const line = `${what} ${Buffer.from(grantId).toString('hex')}\n`;
  if (!process.stdout.write(line)) await once(process.stdout, 'drain');
}
