/** A peer's gallery as this client lists it, and what a word then means there. Section "Contracts" of docs/protocol.md. */
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { BrowsePart } from '../engine.js';
import type { ListingLine } from '../vault/records.js';
import { findPresent } from './dial.js';
import { hex, plainText } from './lines.js';
import { listedPhoto } from './lookups.js';
import type { Known, People } from './people.js';
import { browse } from './request.js';
import type { Workings } from './workings.js';

/** Read to its end it becomes the last listing: what numbers mean from then on. */
export async function* listGallery(
  workings: Workings,
  known: Known,
  signal?: AbortSignal,
): AsyncGenerator<BrowsePart> {
  const lines: ListingLine[] = [];
  for await (const part of browse(workings, known, signal)) {
    if (part.case === 'begin') yield { kind: 'begin', photos: part.value.photos };
    if (part.case === 'photo') {
      const { number, imageId, width, height, photoBytes } = part.value;
      const name = plainText(part.value.name);
      if (number !== lines.length + 1) throw misnumbered(known.contact.name);
      lines.push({ number, imageId, name });
      yield { kind: 'photo', number, id: hex(imageId), name, width, height, bytes: photoBytes };
    }
    if (part.case === 'thumbnail') {
      const { number, picture, mediaType } = part.value;
      if (number < 1 || number > lines.length) throw misnumbered(known.contact.name);
      yield { kind: 'thumbnail', number, picture, mediaType };
    }
    if (part.case === 'notice') {
      yield { kind: 'notice', name: plainText(part.value.name), message: plainText(part.value.message) };
    }
  }
  workings.vault.listings.replace(known.contact.name, lines);
}

/** Numbers name files and photos here: two photos of one number would be taken for each other. */
function misnumbered(name: string): Refused {
  return new Refused(Reason.BAD_STREAM, `The gallery of ${name} is not numbered as the contract has it.`);
}

/**
 * The id of the photo that is meant. Who says a number or a name and has no listing yet is shown the gallery first.
 * @throws Refused UNKNOWN_PHOTO, and what listing throws
 */
export async function meantPhoto(
  workings: Workings,
  people: People,
  peer: string,
  text: string,
): Promise<Uint8Array> {
  const { vault } = workings;
  const [name = ''] = peer.split('#');
  if (/^[0-9a-f]{32}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  if (vault.listings.list(name).length === 0) {
    for await (const _part of listGallery(workings, await findPresent(workings, people, peer)));
  }
  return listedPhoto(vault, name, text);
}
