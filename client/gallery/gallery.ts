/**
 * A folder of photos as it is served and shared from. Every listing looks at the folder anew; photos that are
 * known are not read for it. docs/architecture.md, "The gallery".
 */
import { lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import pLimit from 'p-limit';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import { BrowseResponseSchema } from '../../gen/glimpse/v1/peer_pb.js';
import type { BrowseResponse } from '../../gen/glimpse/v1/peer_pb.js';
import { makeCover } from './covers.js';
import { examine } from './examine.js';
import type { PhotoFacts } from './examine.js';
import { GALLERY_LIMITS } from './limits.js';
import { ImageIdHash, PhotoFile, changed } from './photo-file.js';
import { PhotoIndex } from './photo-index.js';
import type { Known } from './photo-index.js';
import { nameTrouble } from './rules/names.js';
import { noticeText } from './rules/notice.js';
import { scan } from './scan.js';
import type { FoundFile, Scan } from './scan.js';
import { startedInOrder } from './started-in-order.js';
import { stampOf } from './stamp.js';

export interface GalleryOptions {
  /** Where the index lies; there already. */
  readonly cacheDir: string;
  /** The vault's: image ids are HMACs under it. */
  readonly imageKey: Uint8Array;
  /** Told once of each file that is left out, and why. */
  readonly tell?: (line: string) => void;
}

/** A photo that can be shared: on the disk as its image id says, when it was looked at last. */
export interface Photo extends PhotoFacts {
  /** Path below the gallery's folder with forward slashes; for a file elsewhere its own name. */
  readonly name: string;
  /** Its own name, without folders. */
  readonly fileName: string;
  /** Absolute. */
  readonly path: string;
}

export interface Gallery {
  /**
   * The whole gallery as proto/glimpse/v1/peer.proto, `Browse`, has it: `begin`, notices of the scan, then
   * lines in the order of names, each as soon as its photo is known, and thumbnails whenever the next line is
   * not. Ends when everything was said. @throws Refused (UNKNOWN_PHOTO) if the folder is gone
   */
  list(signal?: AbortSignal): AsyncIterable<BrowseResponse>;
  /** Looks at every photo, so that the first listing does not have to. @throws what listing throws */
  warm(signal: AbortSignal): Promise<void>;
  /** For a peer: only what a listing would show. @throws Refused (UNKNOWN_PHOTO, BAD_PHOTO) */
  findImage(imageId: Uint8Array): Promise<Photo>;
  /**
   * For the owner: a number of her listing, a name, an image id in hex or its beginning (six digits or more), or
   * the absolute path of any photo. @throws Refused (UNKNOWN_PHOTO, BAD_PHOTO)
   */
  find(text: string): Promise<Photo>;
  /**
   * The photo's bytes. Throws at the end, at the latest, if they are not those of its image id: whoever seals
   * them must not finish before. @throws Refused (BAD_PHOTO)
   */
  read(photo: Photo): AsyncIterable<Uint8Array>;
  /** A picture to hide this photo in, as a file. covers.ts has the choices. @throws Refused (BAD_COVER) */
  cover(photo: Photo, choice: string): Promise<Uint8Array>;
  close(): void;
}

/**
 * Without a folder nothing is listed, and photos are shared by their paths alone.
 * @throws Refused (INVALID_REQUEST) if there is no such folder
 */
export async function openGallery(
  folder: string | undefined,
  { cacheDir, imageKey, tell = () => undefined }: GalleryOptions,
): Promise<Gallery> {
  const root = folder === undefined ? undefined : await rootOf(folder);
  return new FolderGallery(root, PhotoIndex.open(cacheDir, imageKey), imageKey, tell);
}

class FolderGallery implements Gallery {
  readonly #root: string | undefined;
  readonly #index: PhotoIndex;
  readonly #imageKey: Uint8Array;
  readonly #limit = pLimit(GALLERY_LIMITS.examinationsMax);
  readonly #underWay = new Map<string, Promise<Known>>();
  readonly #tell: (line: string) => void;
  readonly #told = new Set<string>();

  constructor(
    root: string | undefined,
    index: PhotoIndex,
    imageKey: Uint8Array,
    tell: (line: string) => void,
  ) {
    this.#tell = tell;
    this.#root = root;
    this.#index = index;
    this.#imageKey = imageKey;
  }

  async *list(signal?: AbortSignal): AsyncGenerator<BrowseResponse, void, undefined> {
    const { files, leftOut } = await this.#scan(signal);
    yield part({ case: 'begin', value: { photos: files.length } });
    for (const notice of leftOut) yield this.#notice(notice);
    let number = 0;
    let owed: { number: number; imageId: Uint8Array; thumbHash: Uint8Array }[] = [];
    for (const { file, known } of this.#walk(files)) {
      signal?.throwIfAborted();
      if (known instanceof Promise) {
        for (const one of owed) yield* this.#thumbnail(one);
        owed = [];
      }
      const outcome = await known;
      if (outcome.type === 'no-photo') {
        yield this.#notice({ name: file.name, message: outcome.message });
        continue;
      }
      const { facts, thumbHash } = outcome;
      number += 1;
      yield part({ case: 'photo', value: { number, name: file.name, thumbHash, ...facts } });
      owed.push({ number, imageId: facts.imageId, thumbHash });
    }
    for (const one of owed) yield* this.#thumbnail(one);
    this.#prune(files);
  }

  async warm(signal: AbortSignal): Promise<void> {
    for await (const _part of this.list(signal));
  }

  async findImage(imageId: Uint8Array): Promise<Photo> {
    const photo = await this.#byImageId(Buffer.from(imageId).toString('hex'));
    return photo ?? unknownPhoto('This photo is not in the gallery (any more): list the gallery again');
  }

  async find(text: string): Promise<Photo> {
    if (path.isAbsolute(text)) return this.#elsewhere(text);
    if (this.#root === undefined) {
      return unknownPhoto(`No folder is served, so ${text} is no photo of yours`);
    }
    if (/^\d{1,5}$/.test(text)) return this.#byNumber(Number(text));
    if (/^[0-9a-f]{6,32}$/.test(text)) {
      const photo = await this.#byImageId(text);
      if (photo) return photo;
    }
    return this.#byName(text);
  }

  async *read(photo: Photo): AsyncGenerator<Uint8Array, void, undefined> {
    const file = await PhotoFile.open(photo.path, photo.name);
    try {
      if (file.stamp.bytes !== photo.photoBytes) throw changed(photo.name);
      const hash = new ImageIdHash(this.#imageKey);
      for await (const chunk of file.chunks()) {
        hash.update(chunk);
        yield chunk;
      }
      if (!sameBytes(hash.imageId(), photo.imageId)) throw changed(photo.name);
    } catch (error) {
      this.#index.forget(photo.path);
      throw error;
    } finally {
      await file.close();
    }
  }

  async cover(photo: Photo, choice: string): Promise<Uint8Array> {
    const thumbnail = async () =>
      this.#index.thumbnail(photo.imageId) ?? (await examine(photo, this.#imageKey)).thumbnail.picture;
    return makeCover(choice, { thumbnail, seed: photo.imageId });
  }

  close(): void {
    this.#index.close();
  }

  async #scan(signal?: AbortSignal): Promise<Scan> {
    if (this.#root === undefined) return { files: [], leftOut: [] };
    try {
      return await scan(this.#root, signal);
    } catch {
      signal?.throwIfAborted();
      // Peers see this: it names no path.
      return unknownPhoto("The gallery's folder cannot be read now: its owner should look after it");
    }
  }

  /** Files in their order; a few of those that must be looked at are begun ahead. */
  *#walk(files: readonly FoundFile[]): Generator<{ file: FoundFile; known: Known | Promise<Known> }> {
    const start = (file: FoundFile) => ({ file, known: this.#known(file) });
    yield* startedInOrder(files, 2 * GALLERY_LIMITS.examinationsMax, start);
  }

  #known(file: FoundFile): Known | Promise<Known> {
    const known = this.#index.get(file);
    if (known) return known;
    const underWay = this.#underWay.get(file.path);
    if (underWay) return underWay;
    const examination = this.#limit(() => this.#examine(file)).finally(() =>
      this.#underWay.delete(file.path),
    );
    // A listing that is given up does not wait for what it has begun.
    examination.catch(() => undefined);
    this.#underWay.set(file.path, examination);
    return examination;
  }

  async #examine(file: FoundFile): Promise<Known> {
    try {
      return this.#index.put(file, await examine(file, this.#imageKey));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return this.#index.putTrouble(file, error.message);
    }
  }

  /** The owner hears of it as well: once, and again only if she changes what is the matter. */
  #notice(notice: { readonly name: string; readonly message: string }): BrowseResponse {
    const line = noticeText(notice);
    if (!this.#told.has(line)) this.#tell(line);
    this.#told.add(line);
    return part({ case: 'notice', value: notice });
  }

  *#thumbnail(of: { number: number; imageId: Uint8Array; thumbHash: Uint8Array }): Generator<BrowseResponse> {
    const picture = this.#index.thumbnail(of.imageId);
    if (!picture) return;
    const { number, thumbHash } = of;
    yield part({ case: 'thumbnail', value: { number, thumbHash, picture, mediaType: 'image/webp' } });
  }

  #prune(files: readonly FoundFile[]): void {
    if (this.#root !== undefined) this.#index.prune(this.#root, new Set(files.map((file) => file.path)));
  }

  async #byImageId(hex: string): Promise<Photo | undefined> {
    const known = await this.#amongKnown(hex);
    if (known) return known;
    for await (const photo of this.#photos()) if (hexOf(photo.imageId).startsWith(hex)) return photo;
    return undefined;
  }

  /** The index may know where it is; then that one file is looked at, and no other. */
  async #amongKnown(hex: string): Promise<Photo | undefined> {
    for (const file of this.#index.pathsOf(hex)) {
      const name = this.#nameOf(file);
      const found = name === undefined ? undefined : await this.#found(file, name);
      const known = found && (await this.#known(found));
      if (known?.type === 'photo' && hexOf(known.facts.imageId).startsWith(hex))
        return photoOf(found!, known.facts);
    }
    return undefined;
  }

  async #byNumber(number: number): Promise<Photo> {
    let at = 0;
    for await (const photo of this.#photos()) if (++at === number) return photo;
    return unknownPhoto(`There is no photo number ${number}: your folder has ${at}`);
  }

  async #byName(text: string): Promise<Photo> {
    const { files } = await this.#scan();
    const exact = files.filter(({ name }) => name === text);
    const named = exact.length > 0 ? exact : files.filter(({ name }) => path.posix.basename(name) === text);
    if (named.length > 1) {
      const names = named.slice(0, 3).map(({ name }) => name);
      return unknownPhoto(`Several photos are called ${text}: say ${names.join(' or ')}`);
    }
    const file = named[0];
    return file ? this.#photo(file) : unknownPhoto(`There is no photo ${text} in your folder`);
  }

  /** The owner's own word is enough for a file anywhere; its links are resolved first. */
  async #elsewhere(text: string): Promise<Photo> {
    const file = await realpath(text).catch(() => unknownPhoto(`There is no file ${text}`));
    const found = await this.#found(file, this.#nameOf(file) ?? path.basename(file));
    return found ? this.#photo(found) : unknownPhoto(`${text} is not a file`);
  }

  async *#photos(): AsyncGenerator<Photo, void, undefined> {
    const { files } = await this.#scan();
    for (const { file, known } of this.#walk(files)) {
      const outcome = await known;
      if (outcome.type === 'photo') yield photoOf(file, outcome.facts);
    }
  }

  async #photo(file: FoundFile): Promise<Photo> {
    const known = await this.#known(file);
    if (known.type === 'no-photo') throw new Refused(Reason.BAD_PHOTO, known.message);
    return photoOf(file, known.facts);
  }

  async #found(file: string, name: string): Promise<FoundFile | undefined> {
    const stats = await lstat(file, { bigint: true }).catch(() => undefined);
    return stats?.isFile() === true ? { path: file, name, stamp: stampOf(stats) } : undefined;
  }

  /** The name under which a listing shows this file; undefined: it shows it not. */
  #nameOf(file: string): string | undefined {
    if (this.#root === undefined) return undefined;
    const name = path.relative(this.#root, file).split(path.sep).join('/');
    return nameTrouble(name, GALLERY_LIMITS.depthMax) === undefined ? name : undefined;
  }
}

type Part = NonNullable<MessageInitShape<typeof BrowseResponseSchema>['part']>;

function part(value: Part): BrowseResponse {
  return create(BrowseResponseSchema, { part: value });
}

function photoOf({ path: file, name }: FoundFile, facts: PhotoFacts): Photo {
  return { ...facts, name, fileName: path.basename(file), path: file };
}

async function rootOf(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    if ((await lstat(root)).isDirectory()) return root;
  } catch {
    // Said below.
  }
  throw new Refused(
    Reason.INVALID_REQUEST,
    `There is no folder ${folder}: give the folder of your photos with --gallery`,
  );
}

function unknownPhoto(message: string): never {
  throw new Refused(Reason.UNKNOWN_PHOTO, message);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
