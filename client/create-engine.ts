/** The engine of client/engine.ts: each call finds what a word means, has a part do it, and tells it in lines. */
import path from 'node:path';
import { readRights } from '../core/rights/signed.js';
import { fingerprintText } from '../core/identity/keys.js';
import { Refused } from '../core/rpc/errors.js';
import type { WatchResponse } from '../gen/glimpse/v1/election_pb.js';
import { Reason } from '../gen/glimpse/v1/error_pb.js';
import { joinWith } from './cloud/joining.js';
import { NotJoined } from './engine.js';
import type * as E from './engine.js';
import { checkCover } from './gallery/covers.js';
import type { Gallery } from './gallery/gallery.js';
import { openGallery } from './gallery/gallery.js';
import { checkChange } from './peer/changes.js';
import { findPresent } from './peer/dial.js';
import { PEER_LIMITS } from './peer/limits.js';
import { givenLine, heldLine, hex, modeName, plainText, requestLine, waitingLine } from './peer/lines.js';
import { listGallery, meantPhoto } from './peer/listing.js';
import { provenLog, statusOf } from './peer/logs.js';
import { givenGrant, givenTo, heldGrant } from './peer/lookups.js';
import type { Member } from './peer/member.js';
import { assemble } from './peer/member.js';
import { rebuild, revokeFormer } from './peer/rebuilding.js';
import { requestPhoto } from './peer/request.js';
import type { Terms } from './peer/grants.js';
import { batchOf } from './peer/rules/change.js';
import type { UpAndRunning } from './peer/up.js';
import { startUp } from './peer/up.js';
import type { Edge, Periods, Told } from './peer/workings.js';
import { cloudNowMs, worldEdge } from './peer/workings.js';
import type { Vault } from './vault/vault.js';
import { viewFile } from './view/view.js';

export interface EngineOptions {
  /** Stays the caller's to close. */
  readonly vault: Vault;
  /** What a person may want to know while `up` runs. */
  readonly tell?: Told;
  readonly edge?: Edge;
  readonly periods?: Partial<Periods>;
}

/** What is given where the owner says nothing. */
const standard = { views: 3, cover: 'preview', batchViewsMax: 0 } as const;

export function createEngine(options: EngineOptions): E.Engine {
  return new ClientEngine(options);
}

class ClientEngine implements E.Engine {
  readonly #vault: Vault;
  readonly #tell: Told;
  readonly #edge: Edge;
  readonly #periods: Periods;
  #member: Member | undefined;
  #gallery: Promise<Gallery> | undefined;
  #up: UpAndRunning | undefined;
  #terms: () => Terms = () => ({ ...standard, expiresAtMs: null });

  constructor({ vault, tell = () => undefined, edge = worldEdge, periods = {} }: EngineOptions) {
    this.#vault = vault;
    this.#tell = tell;
    this.#edge = edge;
    this.#periods = { ...PEER_LIMITS, ...periods };
  }

  async join(code: string, name: string): Promise<E.Joined> {
    return joinWith(this.#vault, { code, name }, this.#edge);
  }

  async recover(code: string, name: string, recoveryCode: string): Promise<E.Joined> {
    return joinWith(this.#vault, { code, name, recoveryCode }, this.#edge);
  }

  async leave(): Promise<void> {
    await this.#joined().workings.cloud.leave();
    await this.close();
    await this.#vault.leave();
  }

  async status(): Promise<E.Status> {
    const { identity, outbox, given, requests } = this.#vault;
    const me = identity.get();
    const name = me?.membership?.name ?? null;
    const reachable = name !== null && (await this.#joined().workings.cloud.answers(name));
    const waiting = outbox
      .list()
      .map((item) => waitingLine(item, given.get(item.grantId)?.viewer.name ?? ''));
    return {
      name,
      fingerprint: me && name !== null ? fingerprintText(me.fingerprint) : null,
      cloud: { reachable, servers: me?.membership?.servers ?? [] },
      attending: this.#up?.attendedAt() ?? null,
      waiting: { requests: requests.list().length, outbox: waiting },
    };
  }

  watchRing(signal?: AbortSignal): AsyncIterable<WatchResponse> {
    return this.#joined().workings.cloud.watchRing(signal);
  }

  async peers(): Promise<E.PeerLine[]> {
    return this.#joined().people.list();
  }

  async allow(peer: string, policy: E.PolicyName): Promise<void> {
    const { contact } = await this.#joined().people.find(peer);
    this.#vault.transact(() => {
      this.#vault.contacts.allow(contact.name, policy);
      this.#vault.requests.forgetKnock(contact.fingerprint);
    });
  }

  requests(): E.RequestLine[] {
    return this.#vault.requests.list().map(requestLine);
  }

  async approve(
    id: string,
    { views }: { readonly views?: number } = {},
    progress: E.OnProgress = () => undefined,
  ): Promise<E.RequestLine & { readonly shared: E.Shared | null }> {
    const request = this.#vault.requests.get(id);
    if (!request || request.refused) throw unknownRequest(id);
    const line = requestLine(request);
    if (request.kind === 'knock') {
      await this.allow(line.peer, 'request');
      return { ...line, shared: null };
    }
    const { contact } = await this.#joined().people.find(line.peer);
    if (Buffer.compare(contact.fingerprint, request.peer.fingerprint) !== 0) throw unknownRequest(id);
    const wished = request.views === 0 ? this.#terms().views : request.views;
    const shared = await this.share(line.peer, hex(request.imageId), { views: views ?? wished }, progress);
    this.#vault.requests.take(id);
    return { ...line, shared };
  }

  refuse(id: string): E.RequestLine {
    const request = this.#vault.requests.refuse(id);
    if (!request) throw unknownRequest(id);
    return requestLine(request);
  }

  async safety(peer: string): Promise<E.Safety> {
    return this.#joined().people.safety(peer);
  }

  async markVerified(peer: string): Promise<E.Safety> {
    return this.#joined().people.markVerified(peer);
  }

  async *browse(peer: string, signal?: AbortSignal): AsyncGenerator<E.BrowsePart> {
    const { workings, people } = this.#joined();
    yield* listGallery(workings, await findPresent(workings, people, peer), signal);
  }

  async request(
    peer: string,
    photo: string,
    { views = 0 }: { readonly views?: number } = {},
    progress: E.OnProgress = () => undefined,
  ): Promise<E.Received> {
    const { workings, people } = this.#joined();
    const imageId = await meantPhoto(workings, people, peer, photo);
    const { held, contact } = await requestPhoto(workings, people, peer, { imageId, views }, (step) =>
      progress(step as E.Progress),
    );
    const rights = readRights(held.signedRights);
    const status = await statusOf([held.grantId], workings);
    const used = status.get(hex(held.grantId))?.used;
    return {
      grant: hex(held.grantId),
      image: hex(held.imageId),
      owner: contact.name,
      file: held.picture!.file,
      quota: rights.quota,
      remaining: used === undefined ? null : Math.max(0, rights.quota - used),
      mode: modeName(rights),
      leader: held.picture!.leader,
      verified: contact.verified,
    };
  }

  async share(
    peer: string,
    photo: string,
    options: E.ShareOptions = {},
    progress: E.OnProgress = () => undefined,
  ): Promise<E.Shared> {
    const { people, grants, deliveries, workings } = this.#joined();
    const { contact } = await people.find(peer);
    const gallery = await this.#openGallery();
    const found = await gallery.find(photo);
    const again = this.#vault.given.find(contact.fingerprint, found.imageId) !== undefined;
    // A grant that exists keeps its picture; a cover that would be refused is refused all the same.
    if (again && options.cover !== undefined) await checkCover(options.cover);
    const terms = this.#termsOf(options);
    checkChange({ views: terms.views });
    const gift = {
      viewer: contact,
      imageId: found.imageId,
      gallery,
      photo: () => Promise.resolve(found),
      terms,
      asked: false,
    };
    const given = await grants.give(gift, (step, leader, fraction) => progress({ step, leader, fraction }));
    if (readRights(given.current!).revoked) {
      throw new Refused(
        Reason.REVOKED,
        `You revoked this from ${contact.name}: \`glimpse rights\` allows views again.`,
      );
    }
    deliveries.waits(given, 'waiting');
    progress({ step: 'delivering' });
    const { delivery } = await deliveries.send(given);
    const rights = readRights(given.current!);
    return {
      grant: hex(given.grantId),
      image: hex(given.imageId),
      viewer: contact.name,
      quota: rights.quota,
      mode: modeName(rights),
      delivery,
      again,
      leader: workings.vault.carriers.get(rights.sealId)?.leader ?? '',
      verified: contact.verified,
    };
  }

  async rights(viewer: string, photoOrGrant: string, wish: E.RightsWish): Promise<E.RightsChanged> {
    const { people, changes } = this.#joined();
    const contact = people.known(viewer);
    // A grant's id has four digits at least: a shorter number is a photo's, as in `share`.
    const photo = /^\d{1,3}$/.test(photoOrGrant) && (await (await this.#openGallery()).find(photoOrGrant));
    const given = givenTo(this.#vault, contact, photo ? hex(photo.imageId) : photoOrGrant);
    checkChange(wish);
    const { mode: _mode, batchViewsMax: _batch, ...change } = wish;
    const { state, ...told } = await changes.change(given, { ...change, batchViewsMax: batchOf(wish) });
    const { version, quota, revoked, expiresAtMs: expires, batchViewsMax } = state;
    const mode = batchViewsMax > 0 ? 'prepaid' : 'strict';
    return { grant: hex(given.grantId), version, quota, revoked, mode, expires, ...told };
  }

  async inbox(): Promise<E.HeldLine[]> {
    const { workings, heldRights } = this.#joined();
    const known = this.#vault.held.list();
    const status = await statusOf(idsOf(known), workings);
    const nowMs = cloudNowMs(workings);
    return known.map((one) => {
      const told = status.get(hex(one.grantId));
      const held = heldRights.learn(one, told?.signedRights);
      const prepaid = this.#vault.prepaid.left(one.grantId);
      return heldLine(held, one.picture!, told, { nowMs, prepaid });
    });
  }

  async shared(): Promise<E.GivenLine[]> {
    const given = this.#vault.given.list();
    const status = await statusOf(idsOf(given), this.#joined().workings);
    return given.map((one) => givenLine(one, status.get(hex(one.grantId))));
  }

  async log(grant: string): Promise<E.GrantLogLines> {
    const given =
      this.#vault.given.startingWith(grant).length > 0 ? givenGrant(this.#vault, grant) : undefined;
    const { grantId } = given ?? heldGrant(this.#vault, grant);
    const { workings } = this.#joined();
    return provenLog(grantId, given?.viewer.name ?? workings.self.name, workings);
  }

  async view(grantOrFile: string): Promise<E.View> {
    const { workings } = this.#joined();
    const file = path.isAbsolute(grantOrFile) ? grantOrFile : this.#heldFile(grantOrFile);
    const viewed = await viewFile(file, workings);
    const grant = hex(viewed.grantId);
    if (viewed.shown === 'photo') {
      const { bytes, mediaType, remaining } = viewed;
      return { shown: 'photo', grant, bytes, mediaType, name: plainText(viewed.name), remaining };
    }
    const { png, reason, message } = viewed;
    return { shown: 'cover', grant, png, reason, message, remaining: 0 };
  }

  async prepay(grant: string, views: number): Promise<E.Prepaid> {
    const held = heldGrant(this.#vault, grant);
    const unlocked = await this.#joined().prepaid.prepay(held, views);
    return { grant: hex(held.grantId), unlocked, prepaid: this.#vault.prepaid.left(held.grantId) };
  }

  async forget(grant: string): Promise<void> {
    const { grantId } = heldGrant(this.#vault, grant);
    this.#vault.prepaid.drop(grantId);
    await this.#vault.held.forget(grantId);
  }

  async rebuild(): Promise<E.Rebuilt> {
    const { workings, people } = this.#joined();
    return rebuild(workings, people);
  }

  async revokeFormer(grant: string): Promise<readonly E.FormerGrant[]> {
    return revokeFormer(grant, this.#joined().workings);
  }

  async up(options: E.UpOptions): Promise<E.Running> {
    checkChange({ views: options.views });
    await checkCover(options.cover);
    const member = this.#joined();
    this.#gallery = this.#galleryOf(options.gallery);
    const gallery = await this.#gallery;
    const { views, cover, expiresMs } = options;
    const batchViewsMax = batchOf(options) ?? 0;
    this.#terms = () => ({
      views,
      cover,
      batchViewsMax,
      expiresAtMs: expiresMs === undefined ? null : this.#edge.clock() + expiresMs,
    });
    const offer = { gallery, terms: this.#terms, open: options.open };
    const up = await startUp(member, { listen: options.listen, advertise: options.advertise, offer });
    this.#up = up;
    const close = async (): Promise<void> => {
      this.#up = undefined;
      await up.close();
    };
    return { name: member.workings.self.name, address: up.address, ended: up.ended, close };
  }

  async flush(): Promise<void> {
    await this.#joined().courier.round();
  }

  async close(): Promise<void> {
    await this.#up?.close();
    this.#up = undefined;
    await this.#member?.close();
    this.#member = undefined;
    // One that did not open was told to whoever asked for it.
    const gallery = await this.#gallery?.catch(() => undefined);
    gallery?.close();
    this.#gallery = undefined;
  }

  /** @throws NotJoined */
  #joined(): Member {
    if (this.#member) return this.#member;
    const identity = this.#vault.identity.get();
    if (!identity?.membership) throw new NotJoined();
    const options = { vault: this.#vault, edge: this.#edge, tell: this.#tell, periods: this.#periods };
    this.#member = assemble(identity, identity.membership, options);
    return this.#member;
  }

  #openGallery(): Promise<Gallery> {
    this.#gallery ??= this.#galleryOf(undefined);
    return this.#gallery;
  }

  #galleryOf(folder: string | undefined): Promise<Gallery> {
    const { imageKey } = this.#joined().workings.self;
    return openGallery(folder, {
      cacheDir: this.#vault.home.thumbnails,
      imageKey,
      tell: this.#tell,
    });
  }

  #termsOf({ views, expiresAtMs, cover, ...mode }: E.ShareOptions): Terms {
    const terms = this.#terms();
    return {
      views: views ?? terms.views,
      expiresAtMs: expiresAtMs ?? terms.expiresAtMs,
      cover: cover ?? terms.cover,
      batchViewsMax: batchOf(mode) ?? terms.batchViewsMax,
    };
  }

  #heldFile(grant: string): string {
    const { picture, owner } = heldGrant(this.#vault, grant);
    if (picture) return picture.file;
    throw new Refused(
      Reason.UNKNOWN_GRANT,
      `The picture of ${grant} is still on its way: ask ${owner.name} for it.`,
    );
  }
}

function idsOf(grants: readonly { readonly grantId: Uint8Array }[]): Uint8Array[] {
  return grants.map(({ grantId }) => grantId);
}

function unknownRequest(id: string): Refused {
  return new Refused(Reason.UNKNOWN_REQUEST, `No knock or request ${id} waits.`);
}
