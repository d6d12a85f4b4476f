/** What a typed word means: a grant, a photo of a listing. */
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Contact, Given, Held } from '../vault/records.js';
import type { Vault } from '../vault/vault.js';
import { hex } from './lines.js';

/** Shorter beginnings of an id are more likely a mistake than an id. */
const idLengthMin = 4;
const idForm = /^[0-9a-f]+$/;

const isId = (text: string): boolean => idForm.test(text) && text.length >= idLengthMin;

/** @throws Refused UNKNOWN_GRANT */
export function heldGrant(vault: Vault, text: string): Held {
  return only(text, isId(text) ? vault.held.startingWith(text) : []);
}

/** @throws Refused UNKNOWN_GRANT */
export function givenGrant(vault: Vault, text: string): Given {
  return only(text, isId(text) ? vault.given.startingWith(text) : []);
}

/**
 * What this viewer was given: by a grant's or image's id, or a photo's name.
 * @throws Refused UNKNOWN_GRANT
 */
export function givenTo(vault: Vault, { name, fingerprint }: Contact, text: string): Given {
  const all = vault.given.list().filter(({ viewer }) => viewer.name === name);
  const matching = all.filter((given) => isMeant(given, text));
  // A grant to the key that the viewer has now is meant before one to a key that it had.
  const current = matching.filter(({ viewer }) => Buffer.compare(viewer.fingerprint, fingerprint) === 0);
  return only(text, current.length > 0 ? current : matching);
}

function isMeant({ grantId, imageId, photo }: Given, text: string): boolean {
  const ids = isId(text) && (hex(grantId).startsWith(text) || hex(imageId).startsWith(text));
  return ids || photo.name === text || photo.path === text || photo.name.split('/').at(-1) === text;
}

/**
 * A photo of a peer's gallery: a number or name of the last listing, or the beginning of an image id.
 * @throws Refused UNKNOWN_PHOTO
 */
export function listedPhoto(vault: Vault, peer: string, text: string): Uint8Array {
  const listing = vault.listings.list(peer);
  const numbered = /^\d{1,5}$/.test(text) ? vault.listings.byNumber(peer, Number(text)) : undefined;
  const named = numbered ?? vault.listings.byName(peer, text);
  if (named) return named.imageId;
  const begun = isId(text) ? listing.filter(({ imageId }) => hex(imageId).startsWith(text)) : [];
  if (begun.length === 1) return begun[0]!.imageId;
  throw new Refused(
    Reason.UNKNOWN_PHOTO,
    `There is no photo ${text} of ${peer}: its last listing has ${listing.length}.`,
  );
}

function only<Found>(text: string, found: readonly Found[]): Found {
  if (found.length === 1) return found[0]!;
  const what =
    found.length === 0
      ? `There is no grant ${text}`
      : `Several grants are meant by ${text}: give more of the id`;
  throw new Refused(Reason.UNKNOWN_GRANT, `${what}.`);
}
