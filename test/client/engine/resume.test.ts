/** A delivery whose connection is cut in the middle, by a proxy that counts the bytes that go through. */
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import test from 'ava';
import sharp from 'sharp';
import { awaited } from '../../../demo/processes.js';
import type { Vault } from '../../../client/vault/vault.js';
import { Ending, newcomer, startCloud } from './clouds.js';
import type { RunningCloud } from './clouds.js';

const ending = new Ending();
test.after.always(ending.all);

/** Listens beside a client, on the same port of another address, and passes on what comes. */
class Cutter {
  /** Bytes of each connection, from whoever dialled. */
  readonly passed: number[] = [];
  /** The next connection is held after so many bytes, until it is cut. */
  holdAfterBytes: number | undefined;
  #held: readonly net.Socket[] = [];
  readonly #server: net.Server;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = net.createServer({ pauseOnConnect: true }, (from) => {
      from.on('error', () => undefined);
      this.#pass(from, net.connect(target));
    });
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    ending.add(() => this.#server.close());
  }

  /** Ends the connection that is held. */
  cut(): void {
    for (const socket of this.#held) socket.destroy();
  }

  #pass(from: net.Socket, to: net.Socket): void {
    const at = this.passed.push(0) - 1;
    const holdBytes = this.holdAfterBytes ?? Infinity;
    this.holdAfterBytes = undefined;
    to.on('error', () => from.destroy());
    to.pipe(from);
    from.on('close', () => to.destroy());
    from.on('data', (bytes) => {
      this.passed[at]! += bytes.length;
      to.write(bytes);
      if (this.passed[at]! < holdBytes) return;
      from.pause();
      this.#held = [from, to];
    });
    from.resume();
  }
}

/** A photo of two megabytes: noise does not compress. */
async function gallery(): Promise<string> {
  const folder = await ending.folder();
  const [width, height] = [900, 700];
  const noise = randomBytes(3 * width * height);
  await sharp(noise, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path.join(folder, photo));
  return folder;
}

const photo = 'noise.png';

async function scene(cloud: RunningCloud, suffix: string) {
  const alice = await newcomer(ending, cloud, `alice${suffix}`);
  const bob = await newcomer(ending, cloud, `bob${suffix}`);
  const folder = await gallery();
  await alice.up({ gallery: folder });
  const { address } = await bob.up({ advertise: '127.0.0.2' });
  const port = Number(address.split(':').at(-1));
  const cutter = new Cutter({ host: '127.0.0.1', port });
  await cutter.listen('127.0.0.2', port);
  const rest = () => cutter.passed.slice(1).reduce((sum, bytes) => sum + bytes, 0);
  return { alice, bob, cutter, rest, original: await readFile(path.join(folder, photo)) };
}

const cutBytes = 1_000_000;
/** What TLS and HTTP/2 add, and what was on its way when the connection was cut. */
const overheadBytes = 500_000;

/** Once the viewer has kept all that was not on its way: how soon depends on how busy the machine is. */
async function kept({ home: { incoming } }: Vault): Promise<true | undefined> {
  const sizes = (await readdir(incoming)).map(async (name) => (await stat(path.join(incoming, name))).size);
  return (await Promise.all(sizes)).some((size) => size > cutBytes - overheadBytes) || undefined;
}

test('a delivery that is cut goes on from where it was', async (t) => {
  const cloud = await startCloud(ending, 1);
  const { alice, bob, cutter, rest, original } = await scene(cloud, '1');
  cutter.holdAfterBytes = cutBytes;
  const sharing = alice.engine.share(bob.name, photo);
  t.true(await awaited(() => kept(bob.vault)));
  cutter.cut();
  const { grant, delivery } = await sharing;
  if (delivery !== 'delivered') await alice.told(/^delivered/);
  const { size } = await stat((await bob.engine.inbox())[0]!.file);
  t.log(`a carrier of ${size} bytes: ${cutter.passed.join(' + ')} bytes went through`);
  t.true(size > 2 * cutBytes && cutter.passed[0]! >= cutBytes);
  t.true(rest() > 0 && rest() < size - cutBytes + overheadBytes, 'not from the beginning');
  const view = await bob.engine.view(grant);
  t.is(view.shown, 'photo');
  if (view.shown === 'photo') t.deepEqual(Buffer.from(view.bytes), original);
});
