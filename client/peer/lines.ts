/** Grants, logs and people as the plain lines of client/engine.ts. Pure. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { readRights } from '../../core/rights/signed.js';
import type { GrantStatus, LogEntry, RefusalCount } from '../../gen/glimpse/v1/discovery_pb.js';
import { LogEvent } from '../../gen/glimpse/v1/discovery_pb.js';
import type { Rights } from '../../gen/glimpse/v1/rights_pb.js';
import { Mode } from '../../gen/glimpse/v1/rights_pb.js';
import type { GivenLine, HeldLine, LogLine, ModeName, RequestLine, WaitingLine } from '../engine.js';
import type { Given, Held, HeldPicture, OutboxItem, WaitingRequest } from '../vault/records.js';
import { wishedState } from './changes.js';

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function modeName({ mode }: Rights): ModeName {
  return mode === Mode.PREPAID ? 'prepaid' : 'strict';
}

/** @param status the ledger's word; absent while it cannot be asked */
export function heldLine(
  held: Held,
  picture: HeldPicture,
  status: GrantStatus | undefined,
  { nowMs, prepaid }: { readonly nowMs: number; readonly prepaid: number },
): HeldLine {
  const rights = readRights(held.signedRights);
  const expires = rights.expiresAt ? timestampMs(rights.expiresAt) : null;
  const used = status?.used ?? null;
  return {
    grant: hex(held.grantId),
    owner: held.owner.name,
    image: hex(held.imageId),
    file: picture.file,
    photo: held.photoName ?? null,
    quota: rights.quota,
    used,
    remaining: used === null ? null : Math.max(0, rights.quota - used) + prepaid,
    mode: modeName(rights),
    prepaid,
    expires,
    version: rights.version,
    state: status?.closed ? 'revoked' : stateOf(rights, prepaid > 0 ? null : used, expires, nowMs),
    leader: picture.leader,
  };
}

function stateOf(
  rights: Rights,
  used: number | null,
  expires: number | null,
  nowMs: number,
): HeldLine['state'] {
  if (rights.revoked) return 'revoked';
  if (expires !== null && expires <= nowMs) return 'expired';
  return used !== null && used >= rights.quota ? 'spent' : 'ready';
}

export function givenLine(given: Given, status: GrantStatus | undefined): GivenLine {
  const { quota, revoked, expiresAtMs, version, batchViewsMax } = wishedState(given);
  const used = status?.used ?? null;
  return {
    grant: hex(given.grantId),
    viewer: given.viewer.name,
    image: hex(given.imageId),
    photo: given.photo.name,
    quota,
    used,
    remaining: used === null ? null : Math.max(0, quota - used),
    mode: batchViewsMax > 0 ? 'prepaid' : 'strict',
    outstanding: status?.outstanding ?? null,
    expires: expiresAtMs,
    revoked,
    version,
    taken: status?.versionTaken ?? null,
    delivery: given.delivery,
    pending: given.pending !== undefined || given.wish !== undefined,
  };
}

const events: Readonly<Record<LogEvent, LogLine['event'] | undefined>> = {
  [LogEvent.UNSPECIFIED]: undefined,
  [LogEvent.GRANT]: 'grant',
  [LogEvent.UPDATE]: 'update',
  [LogEvent.DELIVERY]: 'delivery',
  [LogEvent.VIEW]: 'view',
  [LogEvent.CONFIRMED]: 'confirmed',
  [LogEvent.PREPAID]: 'prepaid',
  [LogEvent.CLOSED]: 'closed',
};

const minuteMs = 60_000;

/** Entries and refusals in the order of time; a minute's refusals stand at its end. */
export function logLines(
  entries: readonly LogEntry[],
  refusals: readonly RefusalCount[],
  viewer: string,
): LogLine[] {
  const told = entries.flatMap(({ event, time, by, version, remaining, views }) => {
    const name = events[event];
    if (!name || !time) return [];
    const atMs = timestampMs(time);
    const line = { time: atMs, event: name, by: by?.name ?? '', version, remaining };
    return [{ atMs, line: views > 0 ? { ...line, count: views } : line }];
  });
  const refused = refusals.flatMap(({ minute, reason, count }) => {
    if (!minute) return [];
    const time = timestampMs(minute);
    const line = {
      time,
      event: 'refusal' as const,
      by: viewer,
      version: null,
      remaining: null,
      reason,
      count,
    };
    return [{ atMs: time + minuteMs, line }];
  });
  return [...told, ...refused].sort((one, other) => one.atMs - other.atMs).map(({ line }) => line);
}

export function requestLine(request: WaitingRequest): RequestLine {
  const { id, peer, askedAtMs } = request;
  if (request.kind === 'knock') {
    return { id, peer: peer.name, kind: 'knock', image: null, photo: null, views: null, at: askedAtMs };
  }
  const { imageId, photo, views } = request;
  return { id, peer: peer.name, kind: 'request', image: hex(imageId), photo, views, at: askedAtMs };
}

const errands = {
  'rights-put': 'rights',
  deliver: 'delivery',
  'report-delivery': 'record',
} as const;

export function waitingLine(item: OutboxItem, viewer: string): WaitingLine {
  const { kind, grantId, attempts, lastError } = item;
  return { what: errands[kind], grant: hex(grantId), viewer, attempts, error: lastError ?? null };
}

/** Text from a peer, fit for a line of a terminal: without control characters. */
export function plainText(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
