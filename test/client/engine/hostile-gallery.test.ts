/** Galleries that do not play by the rules: nothing of theirs leaves the folder it is put into, or moves a terminal. */
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Surroundings } from '../../../client/commands/command.js';
import { gallery } from '../../../client/commands/gallery.js';
import type { BrowsePart, Engine } from '../../../client/engine.js';
import { PEER_LIMITS } from '../../../client/peer/limits.js';
import { listGallery } from '../../../client/peer/listing.js';
import { assemble } from '../../../client/peer/member.js';
import { worldEdge } from '../../../client/peer/workings.js';
import { printableWithin } from '../../../client/web/rules/printable.js';
import { restoreClientKeys } from '../../../core/identity/keys.js';
import { ListenerCredentials } from '../../../core/identity/tls.js';
import { Refused } from '../../../core/rpc/errors.js';
import { startServer } from '../../../core/rpc/server.js';
import { addService } from '../../../core/rpc/service.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Peer } from '../../../gen/glimpse/v1/peer_pb.js';
import type { BrowseResponseSchema } from '../../../gen/glimpse/v1/peer_pb.js';
import { Ending, newcomer, startCloud } from './clouds.js';
import type { TestClient } from './clouds.js';

const ending = new Ending();
let mallory: TestClient;
let bob: TestClient;
test.before(async () => {
  const cloud = await startCloud(ending, 1);
  mallory = await newcomer(ending, cloud, 'mallory');
  bob = await newcomer(ending, cloud, 'bob');
});
test.after.always(ending.all);

/** A line of a gallery, each of another photo. */
const line = (number: number, name: string): MessageInitShape<typeof BrowseResponseSchema> => ({
  part: {
    case: 'photo',
    value: { number, name, imageId: randomBytes(16), width: 3, height: 2, photoBytes: 9 },
  },
});
const thumbnail = (number: number): MessageInitShape<typeof BrowseResponseSchema> => ({
  part: { case: 'thumbnail', value: { number, picture: new Uint8Array([1]), mediaType: 'image/webp' } },
});

/** What bob lists where mallory's own software serves these parts of a gallery. */
async function listingOf(
  t: ExecutionContext,
  parts: Iterable<MessageInitShape<typeof BrowseResponseSchema>>,
): Promise<AsyncGenerator<BrowsePart>> {
  const nobody = (): never => {
    throw new Error('not part of the test');
  };
  const handlers = { requestPhoto: nobody, deliver: nobody, updateRights: nobody };
  const anyone = ['client'] as const;
  const { signingKey, agreementKey, membership } = mallory.vault.identity.get()!;
  const tls = {
    authority: membership!.caCertificate,
    certificate: membership!.certificates[0]!,
    privateKey: restoreClientKeys({ signing: signingKey, agreement: agreementKey }).signing,
  };
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    credentials: new ListenerCredentials(tls, 'required'),
    register: (grpcServer) =>
      addService(
        grpcServer,
        Peer,
        {
          ...handlers,
          async *browse() {
            yield* parts;
          },
        },
        {
          allow: { browse: anyone, requestPhoto: anyone, deliver: anyone, updateRights: anyone },
          failed: (_, cause) => t.log(cause),
        },
      ),
  });
  t.teardown(() => server.stop(100));
  const identity = bob.vault.identity.get()!;
  const options = { vault: bob.vault, edge: worldEdge, tell: () => undefined, periods: PEER_LIMITS };
  const member = assemble(identity, identity.membership!, options);
  t.teardown(() => member.close());
  const known = await member.people.find('mallory');
  const entry = { ...known.entry!, online: true, address: server.address };
  return listGallery(member.workings, { ...known, entry });
}

test.serial(
  'names of a hostile gallery become files in the folder alone, and text for a terminal',
  async (t) => {
    const names = [
      '../../../../tmp/evil.jpg',
      '/etc/passwd',
      '..',
      '.',
      '.ssh',
      '~/.profile',
      'CON',
      'nul.txt',
      'a\0b.jpg',
      'two\nlines.jpg',
      '\u001b]0;owned\u0007\u001b[2J.jpg',
      '\u009b31mred.jpg',
      'gpj.\u202etxt.exe',
      'same.jpg',
      'same.jpg',
      'SAME.jpg',
      'x'.repeat(1024),
      '\u{20000}'.repeat(256),
      '   ',
      'C:\\windows\\system32',
    ];
    const parts = names.flatMap((name, at) => [line(at + 1, name), thumbnail(at + 1)]);
    const listing = await listingOf(t, [
      { part: { case: 'begin', value: { photos: names.length } } },
      { part: { case: 'notice', value: { name: '\u001b[2J', message: 'a\r\u001b[31m' } } },
      ...parts,
    ]);
    const folder = await ending.folder();
    const out = path.join(folder, 'a', 'b', 'out');
    const surroundings = { progress: () => undefined, room: null } as unknown as Surroundings;
    const engine = { browse: () => listing } as unknown as Engine;
    const result = await gallery.perform(engine, { peer: 'mallory', out }, surroundings);
    const files = await readdir(out);
    t.is(files.length, names.length, 'none took the place of another');
    for (const file of files) {
      t.regex(file, /^\d{3}-[\p{L}\p{N}._-]*\.webp$/u);
      t.true(Buffer.byteLength(file) <= 255, file);
    }
    t.is(new Set(files.map((file) => file.toLowerCase())).size, files.length);
    const everything = await readdir(folder, { recursive: true });
    t.deepEqual(everything.filter((file) => !file.startsWith(path.join('a', 'b', 'out', '0'))).length, 3);
    const text = stripVTControlCharacters(gallery.draw(printableWithin(result)));
    t.notRegex(text.replaceAll('\n', ''), /[\p{Cc}\u202a-\u202e]/u);
    t.is(text.split('\n').length, 1 + names.length + 1, 'a line each, its head, and the notice');
  },
);

for (const [what, parts] of [
  ['twice the same number', [line(1, 'a.jpg'), line(1, 'b.jpg')]],
  ['a number left out', [line(1, 'a.jpg'), line(3, 'b.jpg')]],
  ['none for zero', [line(0, 'a.jpg')]],
  ['a thumbnail of no photo', [line(1, 'a.jpg'), thumbnail(2)]],
] as const) {
  test.serial(`a gallery with ${what} is refused, and the last listing stays`, async (t) => {
    const before = bob.vault.listings.list('mallory');
    const listing = await listingOf(t, parts);
    const error = await t.throwsAsync(
      async () => {
        for await (const part of listing) t.is(part.kind, 'photo');
      },
      { instanceOf: Refused },
    );
    t.is(error.reason, Reason.BAD_STREAM);
    t.deepEqual(bob.vault.listings.list('mallory'), before);
  });
}

test.serial('a gallery without end is left once it is larger than memory should hold', async (t) => {
  const picture = new Uint8Array(PEER_LIMITS.thumbnailBytesMax);
  let sentBytes = 0;
  function* endless() {
    for (let number = 1; ; number += 1) {
      sentBytes += picture.length;
      yield line(number, `${number}.jpg`);
      yield { part: { case: 'thumbnail' as const, value: { number, picture, mediaType: 'image/webp' } } };
    }
  }
  const listing = await listingOf(t, endless());
  const error = await t.throwsAsync<Refused>(async () => {
    for await (const part of listing) t.truthy(part.kind);
  });
  t.is(error.reason, Reason.LIMIT_EXCEEDED);
  t.true(sentBytes < 1.1 * PEER_LIMITS.galleryBytesMax);
});
