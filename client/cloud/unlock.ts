/**
 * Spending a view. docs/protocol.md, "Unlocking". The view id is made once and repeated at other servers, so that
 * a server that dies in between costs nothing; a clock that is wrong is corrected by what the cloud tells.
 */
import { v7 } from 'uuid';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { UnlockResponse } from '../../gen/glimpse/v1/stego_pb.js';
import type { Cloud } from './cloud.js';
import { CLOUD_LIMITS } from './limits.js';

/** A view that was begun: kept until it was shown, so that it is not spent twice. */
export interface BegunView {
  readonly viewId: Uint8Array;
  /** By this computer's clock, ms. */
  readonly begunAtMs: number;
}

export interface UnlockEdge {
  readonly clock: () => number;
  /** What the cloud's clock is ahead of ours, ms, as far as known. */
  readonly clockOffsetMs: number;
  /** The view of this grant that was begun before and not shown. */
  readonly begun: BegunView | undefined;
  /** Makes a view durable before it is asked for. */
  begin(view: BegunView): void;
  /** The cloud told how much its clock is ahead. */
  correct(clockOffsetMs: number): void;
}

/** What a capsule says of the carrier it stands in. */
export interface CarrierNamed {
  readonly grantId: Uint8Array;
  readonly sealId: Uint8Array;
}

export interface Unlocked extends UnlockResponse {
  readonly viewId: Uint8Array;
}

/**
 * @throws Refused VIEWS_SPENT, REVOKED, EXPIRED, CARRIER_SUPERSEDED, UNKNOWN_GRANT, NOT_YOURS; Unreachable: then the view may have
 * been spent, and the same one is asked for if this is called again soon
 */
export async function unlock(cloud: Cloud, carrier: CarrierNamed, edge: UnlockEdge): Promise<Unlocked> {
  const { begun, clockOffsetMs } = edge;
  const fresh = begun !== undefined && edge.clock() - begun.begunAtMs < CLOUD_LIMITS.viewIdMs;
  try {
    return await unlockAs(cloud, carrier, fresh ? begun : begin(edge, clockOffsetMs));
  } catch (error) {
    if (!(error instanceof Refused) || error.reason !== Reason.VIEW_ID_STALE) throw error;
    const nowMs = Number(error.metadata['now_ms']);
    if (!Number.isSafeInteger(nowMs)) throw error;
    const offsetMs = nowMs - edge.clock();
    edge.correct(offsetMs);
    return unlockAs(cloud, carrier, begin(edge, offsetMs));
  }
}

function begin(edge: UnlockEdge, clockOffsetMs: number): BegunView {
  const begunAtMs = edge.clock();
  const viewId = v7({ msecs: begunAtMs + clockOffsetMs }, new Uint8Array(16));
  edge.begin({ viewId, begunAtMs });
  return { viewId, begunAtMs };
}

async function unlockAs(
  cloud: Cloud,
  { grantId, sealId }: CarrierNamed,
  { viewId }: BegunView,
): Promise<Unlocked> {
  const answer = await cloud.call(
    (at, each) => at.stego.unlock({ grantId, sealId, viewIds: [viewId] }, each),
    { attemptMs: CLOUD_LIMITS.unlockMs },
  );
  return { ...answer, viewId };
}
