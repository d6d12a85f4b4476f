/** What the vault remembers, in the words of the rest of the client. Times are milliseconds since 1970. */
import type { LogHead } from '../../core/rights/log.js';
import type { KeyBundle, SignedRights } from '../../gen/glimpse/v1/rights_pb.js';
import type { OutboxKind } from './rules/outbox.js';

/** Someone: a name, and the keys it stood for. */
export interface Peer {
  readonly name: string;
  readonly keys: KeyBundle;
  /** docs/format.md, "Keys". */
  readonly fingerprint: Uint8Array;
}

/** What only this client has, as whoever made it encoded it. */
export interface PrivateKeys {
  readonly signingKey: Uint8Array;
  readonly agreementKey: Uint8Array;
  /** 32 bytes: image ids are HMACs under it. */
  readonly imageKey: Uint8Array;
}

/** The keys of this client. */
export interface OwnKeys extends PrivateKeys {
  /** Their public halves. */
  readonly keys: KeyBundle;
  readonly fingerprint: Uint8Array;
}

/** Who I am in a cloud. */
export interface Membership {
  readonly name: string;
  readonly cloudId: Uint8Array;
  /** X.509, DER. */
  readonly caCertificate: Uint8Array;
  /** X.509, DER, mine first. */
  readonly certificates: readonly Uint8Array[];
  /** Addresses of servers, host:port. */
  readonly servers: readonly string[];
  /** The cloud's clock less this machine's. */
  readonly clockOffsetMs: number;
}

export interface Identity extends OwnKeys {
  /** Drawn with the keys and kept until a name is joined, so that joining again after a crash sends the same. */
  readonly recovery: string | undefined;
  readonly membership: Membership | undefined;
}

/** What a contact may do: nothing, look at thumbnails, or also ask for photos. */
export type Policy = 'none' | 'browse' | 'request';

export interface Contact extends Peer {
  /** Two people compared the safety number. */
  readonly verified: boolean;
  /** Absent: nobody has decided. */
  readonly policy: Policy | undefined;
  /** Where it was reached last, host:port. */
  readonly address: string | undefined;
  readonly pinnedAtMs: number;
  /** The newest keys that the name came with and that are not the pinned ones. */
  readonly alarm:
    { readonly keys: KeyBundle; readonly fingerprint: Uint8Array; readonly seenAtMs: number } | undefined;
}

interface Asked {
  /** Short, to be typed. */
  readonly id: string;
  readonly peer: Omit<Peer, 'keys'>;
  readonly askedAtMs: number;
  /** The owner said no; remembered so that asking again is answered at once. */
  readonly refused: boolean;
}

/** A stranger wants to be let in. */
export interface Knock extends Asked {
  readonly kind: 'knock';
}

/** A contact wants a photo. */
export interface PhotoRequest extends Asked {
  readonly kind: 'photo';
  readonly imageId: Uint8Array;
  /** Its name in the gallery. */
  readonly photo: string;
  /** Views wished for; 0: as many as the owner gives. */
  readonly views: number;
}

export type WaitingRequest = Knock | PhotoRequest;

/** A line of a peer's gallery as this viewer last saw it. */
export interface ListingLine {
  readonly number: number;
  readonly imageId: Uint8Array;
  readonly name: string;
}

/** A photo sealed and hidden once; it may be delivered to any number of viewers. */
export interface Carrier {
  readonly sealId: Uint8Array;
  readonly secretId: number;
  readonly payloadDigest: Uint8Array;
  readonly payloadBytes: number;
  readonly fileKey: Uint8Array;
  readonly imageId: Uint8Array;
  /** The cover as the owner asked for it. */
  readonly cover: string;
  /** Who hid it. */
  readonly leader: string;
  readonly carrierBytes: number;
  readonly hiddenAtMs: number;
}

/** Whether the viewer has the picture; `offline`: it did not answer, the cloud knows. */
export type Delivery = 'delivered' | 'waiting' | 'offline';

/** A grant that I gave. The carrier and file key of a version are those of its rights' seal id. */
export interface Given {
  readonly grantId: Uint8Array;
  readonly viewer: Peer;
  readonly imageId: Uint8Array;
  readonly photo: { readonly name: string; readonly path: string };
  /** As the ledger has them; absent before version 1 is there. */
  readonly current: SignedRights | undefined;
  /** 0 before version 1 is in the ledger. */
  readonly currentVersion: number;
  /** Signed, and not in the ledger as far as I know. */
  readonly pending: SignedRights | undefined;
  /** What the owner wants next, to be signed once `pending` is settled; in the words of whoever wrote it. */
  readonly wish: string | undefined;
  readonly delivery: Delivery;
  /** The snapshot that the viewer acknowledged. */
  readonly snapshot: Uint8Array | undefined;
  readonly givenAtMs: number;
}

/** A grant that I hold; without a picture where the ledger spoke before the delivery. */
export interface Held {
  readonly grantId: Uint8Array;
  readonly owner: Peer;
  readonly imageId: Uint8Array;
  /** The highest version seen. */
  readonly signedRights: SignedRights;
  readonly version: number;
  /** Known once the photo was opened. */
  readonly photoName: string | undefined;
  readonly picture: HeldPicture | undefined;
  /** A view that was asked for and is not known to have been shown: the same id may be sent again, for a while. */
  readonly view: { readonly viewId: Uint8Array; readonly beganAtMs: number } | undefined;
}

export interface HeldPicture {
  /** Absolute path in the inbox. */
  readonly file: string;
  readonly snapshot: Uint8Array;
  readonly carrierBytes: number;
  readonly leader: string;
  /** I asked for it, or have opened it; otherwise it counts against what its sender may send unasked. */
  readonly asked: boolean;
  readonly opened: boolean;
  readonly receivedAtMs: number;
}

/** Something that must reach the ledger or a viewer, however long it takes. */
export interface OutboxItem {
  readonly id: number;
  readonly kind: OutboxKind;
  readonly grantId: Uint8Array;
  readonly version: number;
  readonly attempts: number;
  readonly dueAtMs: number;
  readonly lastError: string | undefined;
  readonly queuedAtMs: number;
}

/** A view that was unlocked ahead and is left. */
export interface LeftView {
  readonly viewId: Uint8Array;
  /** How many views of the grant were spent with this one, by the ledger's count. */
  readonly ordinal: number;
  /** Opens the cloud's lock. */
  readonly cloudKey: Uint8Array;
}

/** A view that was shown: the cloud is to hear of it. */
export interface ShownView {
  readonly grantId: Uint8Array;
  readonly viewId: Uint8Array;
}

/** A head of a log, and when it was first seen. */
export interface SeenHead extends LogHead {
  readonly seenAtMs: number;
}
