/** Hide behind a ticket that was really granted: covers, and streams of a cover and a payload, that are almost right. */
import { randomBytes } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Servers } from '../../client/cloud/servers.js';
import type { ServerClients } from '../../client/cloud/servers.js';
import type { Identity } from '../../core/identity/tls.js';
import type { HideRequestSchema } from '../../gen/glimpse/v1/stego_pb.js';
import { mutated } from './mutate.js';
import { pictures } from './pictures.js';
import { SMALL } from './target.js';
import type { Target } from './target.js';

type Part = NonNullable<MessageInitShape<typeof HideRequestSchema>['part']>;

/** What may be wrong with a stream, by the first byte of an input; most of them are as they should be. */
const disorders: readonly ((cover: Part, sealed: Part, declared: number) => [readonly Part[], number])[] = [
  (cover, sealed, declared) => [[cover, sealed], declared],
  (cover, sealed, declared) => [[cover, sealed], declared],
  (cover, sealed, declared) => [[sealed, cover], declared],
  (cover, sealed, declared) => [[cover, sealed], declared + 1],
  (cover, sealed, declared) => [[cover, sealed], Math.max(1, declared - 1)],
  (cover, sealed, declared) => [[cover, cover, sealed], 2 * declared],
  (cover, sealed, declared) => [[cover, sealed, sealed], declared],
  (cover, _, declared) => [[cover], declared],
];

export interface HidingTarget extends Target {
  close(): void;
}

/** @param patiently calls again what was asked too often */
export function hidingTarget(
  name: string,
  address: string,
  identity: Identity,
  refuses: Target['refuses'],
  patiently: (call: () => Promise<void>) => Promise<void>,
): HidingTarget {
  const servers = new Servers(identity);
  return {
    name,
    make: (random) =>
      Buffer.concat([
        Buffer.from([random.integer(0, 255), random.integer(0, 255)]),
        mutated(pictures, random),
      ]),
    read: (input) => patiently(() => hide(servers.at(address), input)),
    refuses,
    ...SMALL,
    share: 0.5,
    msMax: 30_000,
    close: () => servers.close(),
  };
}

async function hide({ election, stego }: ServerClients, input: Uint8Array): Promise<void> {
  const [disorder = 0, length = 0] = input;
  const cover = input.subarray(2);
  const sealed = new Uint8Array(1 + 40 * length).fill(length);
  const elected = await election.elect({ requestId: randomBytes(16), sealedBytes: sealed.length });
  const [parts, coverBytes] = disorders[disorder % disorders.length]!(
    { case: 'cover', value: cover },
    { case: 'sealed', value: sealed },
    cover.length,
  );
  const imageId = new Uint8Array(16);
  const header = { ticket: elected.ticket!, imageId, coverBytes, sealedBytes: sealed.length };
  async function* said(): AsyncGenerator<{ readonly part: Part }> {
    yield { part: { case: 'header', value: header } };
    for (const part of parts) yield { part };
  }
  for await (const _part of stego.hide(said()));
}
