/**
 * What a client can do, and the plain lines in which it tells about it: ids in lower-case hex, times in
 * milliseconds since 1970, null for what cannot be known now. Commands are written against this file alone;
 * create-engine.ts makes one. Every call may throw `Refused`, `Unreachable`, `FormatError`, `VaultError`, and
 * `NotJoined` where it needs an identity.
 */
import type { WatchResponse } from '../gen/glimpse/v1/election_pb.js';

/** This vault has no name in a cloud yet. */
export class NotJoined extends Error {
  override readonly name = 'NotJoined';

  constructor() {
    super('You have no name in a cloud yet. Join first: glimpse join CODE --name NAME');
  }
}

/** What a contact may do: nothing, look at thumbnails, or also ask for photos. */
export type PolicyName = 'none' | 'browse' | 'request';

export interface Joined {
  readonly name: string;
  readonly fingerprint: string;
  /** To be written down: it recovers the name. Null when the name was this vault's already. */
  readonly recovery: string | null;
}

export interface Status {
  readonly name: string | null;
  readonly fingerprint: string | null;
  readonly cloud: { readonly reachable: boolean; readonly servers: readonly string[] };
  /** The server at which this client is present; null without `up`, or while it is away. */
  readonly attending: string | null;
  readonly waiting: { readonly requests: number; readonly outbox: readonly WaitingLine[] };
}

/** Something in the outbox. */
export interface WaitingLine {
  readonly what: 'rights' | 'delivery' | 'record';
  readonly grant: string;
  readonly viewer: string;
  readonly attempts: number;
  readonly error: string | null;
}

export interface PeerLine {
  readonly name: string;
  /** Null while the cloud cannot be reached. */
  readonly online: boolean | null;
  readonly address: string | null;
  readonly fingerprint: string;
  readonly verified: boolean;
  readonly policy: PolicyName;
  /** It comes with another key than the pinned one, and is not spoken to before it is verified. */
  readonly changed: boolean;
}

export interface Safety {
  readonly peer: string;
  /** Twelve groups of five digits, the same on both sides. */
  readonly number: string;
  readonly fingerprint: string;
  readonly verified: boolean;
  /** The number is that of a new key, which is not trusted before it was compared. */
  readonly changed: boolean;
}

export interface RequestLine {
  readonly id: string;
  readonly peer: string;
  readonly kind: 'knock' | 'request';
  /** Null for a knock. */
  readonly image: string | null;
  readonly photo: string | null;
  /** Views wished for; 0: as many as I give. */
  readonly views: number | null;
  readonly at: number;
}

export type BrowsePart =
  | { readonly kind: 'begin'; readonly photos: number }
  | ({ readonly kind: 'photo' } & PhotoLine)
  | {
      readonly kind: 'thumbnail';
      readonly number: number;
      readonly picture: Uint8Array;
      readonly mediaType: string;
    }
  | { readonly kind: 'notice'; readonly name: string; readonly message: string };

export interface PhotoLine {
  /** Position in this listing, from 1: remembered until the next one. */
  readonly number: number;
  readonly id: string;
  /** Path below the gallery's folder. It comes from the peer: never a path on this computer. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

export interface Progress {
  readonly step: 'sealing' | 'electing' | 'hiding' | 'registering' | 'delivering';
  readonly leader?: string;
  /** Between 0 and 1 of the step. */
  readonly fraction?: number;
}
export type OnProgress = (progress: Progress) => void;

export interface Received {
  readonly grant: string;
  readonly image: string;
  readonly owner: string;
  readonly file: string;
  readonly quota: number;
  /** Null while the ledger cannot be asked. */
  readonly remaining: number | null;
  readonly mode: ModeName;
  readonly leader: string;
  /** The owner's key was compared; otherwise a lying cloud could stand in between. */
  readonly verified: boolean;
}

export type ModeName = 'strict' | 'prepaid';
export type DeliveryName = 'delivered' | 'waiting' | 'offline';

export interface ShareOptions {
  /** Views of a new grant. A grant that exists keeps its own: `rights` changes them. */
  readonly views?: number;
  readonly expiresAtMs?: number;
  /** 'preview', a drawn cover's name, or an absolute path. A grant that exists keeps its picture. */
  readonly cover?: string;
  readonly mode?: ModeName;
  /** In prepaid mode: views that may be unlocked ahead, 1 to 64. */
  readonly batchViewsMax?: number;
}

export interface Shared {
  readonly grant: string;
  readonly image: string;
  readonly viewer: string;
  readonly quota: number;
  readonly mode: ModeName;
  readonly delivery: DeliveryName;
  /** The viewer had this grant before: its rights and its picture are unchanged. */
  readonly again: boolean;
  readonly leader: string;
  readonly verified: boolean;
}

export interface RightsWish {
  /** Views in all, from the beginning of the grant. */
  readonly views?: number;
  /** Views on top of those allowed so far. */
  readonly add?: number;
  /** From when on no view is unlocked; null: never. */
  readonly expiresAtMs?: number | null;
  readonly revoke?: boolean;
  readonly mode?: ModeName;
  /** In prepaid mode: views that may be unlocked ahead, 1 to 64. */
  readonly batchViewsMax?: number;
}

export interface RightsChanged {
  readonly grant: string;
  readonly version: number;
  readonly quota: number;
  readonly revoked: boolean;
  readonly mode: ModeName;
  readonly expires: number | null;
  /** `direct`: ledger and viewer have it; `held`: the ledger has it; `pending`: it waits for the cloud. */
  readonly delivered: 'direct' | 'held' | 'pending';
  /** The viewer's client has it, whether the ledger does or not. */
  readonly reached: boolean;
}

export interface HeldLine {
  readonly grant: string;
  readonly owner: string;
  readonly image: string;
  readonly file: string;
  /** Known once the photo was opened. */
  readonly photo: string | null;
  readonly quota: number;
  readonly used: number | null;
  /** Those unlocked ahead and not shown included. */
  readonly remaining: number | null;
  readonly mode: ModeName;
  /** Views that can be shown without the cloud. */
  readonly prepaid: number;
  readonly expires: number | null;
  /** The highest that this vault, or the ledger, has. */
  readonly version: number;
  readonly state: 'ready' | 'spent' | 'revoked' | 'expired';
  readonly leader: string;
}

export interface GivenLine {
  readonly grant: string;
  readonly viewer: string;
  readonly image: string;
  readonly photo: string;
  readonly quota: number;
  readonly used: number | null;
  readonly remaining: number | null;
  readonly mode: ModeName;
  /** Views unlocked ahead, spent, and not known to have been shown. Null while the ledger cannot be asked. */
  readonly outstanding: number | null;
  readonly expires: number | null;
  readonly revoked: boolean;
  /** Signed last; it may still wait for the cloud. */
  readonly version: number;
  /** The version that the viewer acknowledged; 0: none yet, null: not known now. */
  readonly taken: number | null;
  readonly delivery: DeliveryName;
  /** The last change waits for the cloud. */
  readonly pending: boolean;
}

export interface LogLine {
  readonly time: number;
  readonly event: 'grant' | 'update' | 'delivery' | 'view' | 'prepaid' | 'confirmed' | 'closed' | 'refusal';
  readonly by: string;
  readonly version: number | null;
  readonly remaining: number | null;
  /** Of a refusal: why. */
  readonly reason?: string;
  /** Of a refusal: how often within that minute. Of prepaid views: how many. */
  readonly count?: number;
}

export interface GrantLogLines {
  readonly grant: string;
  readonly lines: readonly LogLine[];
  /** The entries exactly as they are chained, in base64: docs/format.md, "Log". */
  readonly entries: readonly string[];
  /** Head of the chain, as the servers tell it. */
  readonly head: string;
  /** Heads that this vault has seen, by length. */
  readonly seen: readonly SeenHeadLine[];
  /** What the entries fail to prove; null: nothing was removed, moved or changed. */
  readonly flaw: FlawLine | null;
}

export interface SeenHeadLine {
  readonly length: number;
  readonly head: string;
  /** When it was first seen. */
  readonly at: number;
}

/** The first thing that is wrong, among the entries `from` to `to`. */
export interface FlawLine {
  readonly what: 'missing' | 'moved' | 'changed';
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface Prepaid {
  readonly grant: string;
  /** Views unlocked by this call. */
  readonly unlocked: number;
  /** Views that can be shown without the cloud now. */
  readonly prepaid: number;
}

/** What a recovered name has of the keys that were replaced. */
export interface Rebuilt {
  readonly given: readonly FormerGrant[];
  readonly held: readonly FormerHolding[];
}

/** A grant that I gave under keys which are lost: it stands until it is taken back, and cannot be changed. */
export interface FormerGrant {
  readonly grant: string;
  readonly viewer: string;
  readonly quota: number;
  readonly used: number;
  readonly revoked: boolean;
}

/** A photo that I held under keys which are lost. */
export interface FormerHolding {
  readonly owner: string;
  readonly image: string;
  /** The grant to the lost keys. */
  readonly former: string;
  /** The grant that the owner gave instead; null: not yet. */
  readonly grant: string | null;
  /** Why not: a Reason, or UNREACHABLE. */
  readonly why: string | null;
}

/** What a view came to. With `cover`, no view was allowed and none was spent. */
export type View =
  | {
      readonly shown: 'photo';
      readonly grant: string;
      readonly bytes: Uint8Array;
      readonly mediaType: string;
      /** File name, from the owner. */
      readonly name: string;
      readonly remaining: number;
    }
  | {
      readonly shown: 'cover';
      readonly grant: string;
      /** The 8-bit cover, PNG. */
      readonly png: Uint8Array;
      readonly reason: 'spent' | 'revoked' | 'expired';
      readonly message: string;
      readonly remaining: number;
    };

export interface UpOptions {
  /** Absolute path; absent: no gallery is served, pictures are received all the same. */
  readonly gallery?: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Host under which others reach this computer; absent: the one listened on. */
  readonly advertise?: string;
  /** Views of an automatic grant. */
  readonly views: number;
  readonly mode: ModeName;
  /** In prepaid mode: views that may be unlocked ahead, 1 to 64. */
  readonly batchViewsMax?: number;
  /** How long an automatic grant lasts; absent: for ever. */
  readonly expiresMs?: number;
  readonly cover: string;
  /** Every member of the cloud whom nobody decided about may browse and request. */
  readonly open: boolean;
}

export interface Running {
  readonly name: string;
  /** host:port, as told to the cloud. */
  readonly address: string;
  /** Settles when this client can no longer be up, with the reason: its name attends elsewhere, its key was replaced. */
  readonly ended: Promise<Error>;
  close(): Promise<void>;
}

/**
 * PEER is `name` or `name#fingerprint` (the fingerprint as printed: the peer is verified by it). A grant is its id in
 * hex or an unambiguous beginning of it.
 */
export interface Engine {
  /** Safe to repeat. */
  join(code: string, name: string): Promise<Joined>;
  recover(code: string, name: string, recoveryCode: string): Promise<Joined>;
  /** Gives the name back and empties the vault. */
  leave(): Promise<void>;
  status(): Promise<Status>;
  /** The ring as one server after another sees it. */
  watchRing(signal?: AbortSignal): AsyncIterable<WatchResponse>;

  peers(): Promise<PeerLine[]>;
  allow(peer: string, policy: PolicyName): Promise<void>;
  requests(): RequestLine[];
  /** A knock: the peer may request from now on. A request: grants, delivers now or through the outbox. */
  approve(
    id: string,
    options?: { readonly views?: number },
    progress?: OnProgress,
  ): Promise<RequestLine & { readonly shared: Shared | null }>;
  refuse(id: string): RequestLine;
  safety(peer: string): Promise<Safety>;
  markVerified(peer: string): Promise<Safety>;

  browse(peer: string, signal?: AbortSignal): AsyncIterable<BrowsePart>;
  /** @param photo a number or name of the last listing, or an image id in hex */
  request(
    peer: string,
    photo: string,
    options?: { readonly views?: number },
    progress?: OnProgress,
  ): Promise<Received>;
  /** @param photo a number, name or id of my gallery, or an absolute path */
  share(peer: string, photo: string, options?: ShareOptions, progress?: OnProgress): Promise<Shared>;
  /** @param photoOrGrant a photo's name or image id, or a grant */
  rights(viewer: string, photoOrGrant: string, wish: RightsWish): Promise<RightsChanged>;
  inbox(): Promise<HeldLine[]>;
  shared(): Promise<GivenLine[]>;
  log(grant: string): Promise<GrantLogLines>;
  /** One explicit view of a grant held, or of a carrier's file (absolute path). */
  view(grantOrFile: string): Promise<View>;
  /** Unlocks views ahead; finishes a batch whose answer was lost instead. */
  prepay(grant: string, views: number): Promise<Prepaid>;
  forget(grant: string): Promise<void>;
  /** After a recovery: lists what was given, asks again for what was held. */
  rebuild(): Promise<Rebuilt>;
  /** @param grant of former keys, or `all` */
  revokeFormer(grant: string): Promise<readonly FormerGrant[]>;

  /** Serves, attends, delivers. Once per engine; the caller holds the vault's lock. */
  up(options: UpOptions): Promise<Running>;
  /** Tries once what waits in the outbox: for commands that run without `up`. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
