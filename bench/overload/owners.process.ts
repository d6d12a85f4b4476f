/** The owners who have photos hidden, in a process of their own: who elects and views meanwhile is not to wait for it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hide } from '../../client/cloud/hide.js';
import { Servers } from '../../client/cloud/servers.js';
import { Registry } from '../harness/registry.js';
import { answering } from '../table/answering.js';
import { Client, elect, requestId, timed } from './client.js';

const [data, hides, size, ...addresses] = process.argv.slice(2) as [string, string, string, ...string[]];
const bytes = Number(size);
const registry = await Registry.open(data);
const client = async (name: string): Promise<Client> =>
  new Client(new Servers(await registry.identity(await registry.register(name))), addresses);
const owner = await client('owner');
const stuck = await client('stuck');
const letGo = new AbortController();

/** As the product's client does it; what comes back is counted and let go. */
async function hidden({ cloud, at }: Client, sealed: Uint8Array, cover: Uint8Array): Promise<void> {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < sealed.length; from += 65_536) yield sealed.subarray(from, from + 65_536);
  };
  const hiding = {
    requestId: requestId(),
    imageId: requestId(),
    sealedBytes: sealed.length,
    sealed: pieces,
    cover,
  };
  const sink = {
    write: async () => true,
    keep: async () => undefined,
    discard: async () => undefined,
  };
  await hide(
    cloud,
    at,
    hiding,
    async () => sink,
    () => undefined,
  );
}

/** Has a photo hidden and, once that has begun, reads nothing more. It lets go with the process. */
async function neverReading(client: Client, cover: Uint8Array): Promise<void> {
  const { ticket, leaderAddress } = await elect(client.cloud, bytes);
  async function* requests() {
    const header = { ticket: ticket!, imageId: requestId(), coverBytes: cover.length, sealedBytes: bytes };
    yield { part: { case: 'header' as const, value: header } };
    yield { part: { case: 'cover' as const, value: cover } };
    for (let left = bytes; left > 0; left -= 65_536) {
      yield { part: { case: 'sealed' as const, value: randomBytes(Math.min(left, 65_536)) } };
    }
  }
  const stream = client.at(leaderAddress).stego.hide(requests(), { signal: letGo.signal });
  await stream[Symbol.asyncIterator]().next();
}

await answering({
  stick: async (cover: string) => neverReading(stuck, await readFile(cover)),
  hide: async (file: string) => {
    const [sealed, cover] = [randomBytes(bytes), await readFile(file)];
    return Promise.all(
      Array.from({ length: Number(hides) }, () => timed(() => hidden(owner, sealed, cover))),
    );
  },
});
letGo.abort();
await registry.close();
process.exit();
