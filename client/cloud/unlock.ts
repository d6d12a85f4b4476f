/**
 * Spending a view, or several ahead. docs/protocol.md, "Unlocking". View ids are made once and repeated at other servers, so that
 * a server that dies in between costs nothing; a clock that is wrong is corrected by what the cloud tells.
 */
import { v7 } from 'uuid';
import { Refused } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { UnlockResponse } from '../../gen/glimpse/v1/stego_pb.js';
import type { Cloud } from './cloud.js';
import { isPassing } from './failover.js';
import type { AttemptOptions } from './failover.js';
import { CLOUD_LIMITS } from './limits.js';
import type { ServerClients } from './servers.js';

/** Views that were begun: kept until they were shown, or are left to be, so that none is spent twice. */
export interface BegunViews {
  readonly viewIds: readonly Uint8Array[];
  /** By this computer's clock, ms. */
  readonly begunAtMs: number;
}

export interface UnlockEdge {
  /** How many to begin, if none was begun. */
  readonly views: number;
  readonly clock: () => number;
  /** What the cloud's clock is ahead of ours, ms, as far as known. */
  readonly clockOffsetMs: number;
  /** Those of this grant that were begun before, and are not known to be unlocked. */
  readonly begun: BegunViews | undefined;
  /** Makes views durable before they are asked for. */
  begin(views: BegunViews): void;
  /**
   * What was begun was refused, and will not be spent: forget it. Not called after an attempt that was not answered,
   * for a server that was stopped may carry it out when it goes on.
   */
  refused(): void;
  /** The cloud told how much its clock is ahead. */
  correct(clockOffsetMs: number): void;
}

/** What a capsule says of the carrier it stands in. */
export interface CarrierNamed {
  readonly grantId: Uint8Array;
  readonly sealId: Uint8Array;
}

export interface Unlocked extends UnlockResponse {
  readonly viewIds: readonly Uint8Array[];
}

/**
 * @throws Refused VIEWS_SPENT, REVOKED, EXPIRED, CARRIER_SUPERSEDED, UNKNOWN_GRANT, NOT_YOURS; LIMIT_EXCEEDED; Unreachable: then
 * the views may have been spent, and the same ones are asked for if this is called again soon
 */
export async function unlock(cloud: Cloud, carrier: CarrierNamed, edge: UnlockEdge): Promise<Unlocked> {
  const { begun, clockOffsetMs } = edge;
  const fresh = begun !== undefined && edge.clock() - begun.begunAtMs < CLOUD_LIMITS.viewIdMs;
  try {
    return await unlockAs(cloud, carrier, fresh ? begun : begin(edge, clockOffsetMs), edge);
  } catch (error) {
    if (!(error instanceof Refused) || error.reason !== Reason.VIEW_ID_STALE) throw error;
    const nowMs = Number(error.metadata['now_ms']);
    if (!Number.isSafeInteger(nowMs)) throw error;
    const offsetMs = nowMs - edge.clock();
    edge.correct(offsetMs);
    return unlockAs(cloud, carrier, begin(edge, offsetMs), edge);
  }
}

function begin(edge: UnlockEdge, clockOffsetMs: number): BegunViews {
  const begunAtMs = edge.clock();
  const draw = () => v7({ msecs: begunAtMs + clockOffsetMs }, new Uint8Array(16));
  const viewIds = Array.from({ length: edge.views }, draw);
  edge.begin({ viewIds, begunAtMs });
  return { viewIds, begunAtMs };
}

async function unlockAs(
  cloud: Cloud,
  { grantId, sealId }: CarrierNamed,
  asked: BegunViews,
  edge: UnlockEdge,
): Promise<Unlocked> {
  const { viewIds } = asked;
  // Begun before, they were asked for before.
  let mayBeSpent = asked === edge.begun;
  const attempt = async (at: ServerClients, each: AttemptOptions): Promise<UnlockResponse> => {
    try {
      return await at.stego.unlock({ grantId, sealId, viewIds: [...viewIds] }, each);
    } catch (error) {
      mayBeSpent ||= isPassing(error);
      throw error;
    }
  };
  try {
    return { ...(await cloud.call(attempt, { attemptMs: CLOUD_LIMITS.unlockMs })), viewIds };
  } catch (error) {
    if (error instanceof Refused && !mayBeSpent) edge.refused();
    throw error;
  }
}
