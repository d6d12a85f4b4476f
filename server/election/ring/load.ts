/**
 * The load vector: rows, credits, and who is the least loaded. docs/protocol.md, "Load".
 * Measuring is server/election/readings.ts.
 */
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import type { Load } from '../../../gen/glimpse/v1/election_pb.js';
import { creditCount, creditedIds, noCredits, noIds, owed, withCredit } from './credits.js';
import { compareEpochs } from './epoch.js';
import { memberOf, ringOf } from './members.js';
import { hex } from './state.js';
import type { Given, Report, State } from './state.js';

/** Others who would have every core leave at least this part of them: the system shares. */
const leftByOthers = 0.25;

/** (in flight + credits + 1) / ((cores - background) x speed): what the next request would find. */
export function relativeLoad(load: Load): number {
  const work = load.inFlight + creditCount(load.credits) + 1;
  const free = Math.max(load.cores * leftByOthers, load.cores - load.backgroundCores);
  const capacity = free * load.speed;
  return capacity > 0 && work > 0 ? work / capacity : Infinity;
}

function asOfMs(load: Load): number {
  return load.asOf ? timestampMs(load.asOf) : 0;
}

/** Each is asked for with every pong, and changes with a request alone. */
const begunSets = new WeakMap<State['begun'], ReadonlySet<string>>();

/** Requests, in hex, whose hiding began here. */
export function begunHere({ begun }: State): ReadonlySet<string> {
  if (begun.size === 0) return noIds;
  const ids = begunSets.get(begun) ?? new Set([...begun.values()].map(({ requestId }) => requestId));
  begunSets.set(begun, ids);
  return ids;
}

/** This member's row, without credits. */
export function ownLoad(state: State): Load {
  const { backgroundCores, cores, speed, cpu } = state.reading;
  return {
    $typeName: 'glimpse.v1.Load',
    id: state.self,
    inFlight: state.inFlight,
    credits: noCredits,
    backgroundCores,
    cores,
    speed,
    draining: state.draining || state.leaving || !state.storeReachable,
    recentGrants: 0,
    cpu,
    granted: state.granted,
    asOf: timestampFromMs(state.nowMs),
  };
}

/** Puts a member's own word into its row; credits and recent grants are the vector's. */
function renewed(row: Load | undefined, report: Pick<Report, 'load' | 'begun'>, nowMs: number): Load {
  const later = row === undefined || asOfMs(report.load) >= asOfMs(row) ? report.load : row;
  const credits = owed(row?.credits ?? noCredits, report.begun, nowMs);
  if (later === row && credits === row.credits) return row;
  return { ...later, credits, recentGrants: row?.recentGrants ?? 0 };
}

function addCredit(rows: readonly Load[], { leader, requestId, deadlineMs }: Given): readonly Load[] {
  return rows.map((row) =>
    row.id === leader ? { ...row, credits: withCredit(row.credits, requestId, deadlineMs) } : row,
  );
}

/** The vector as it leaves a visit here: own row written, others as last reported, the gone taken out. */
export function visitedLoads(state: State, vector: readonly Load[]): readonly Load[] {
  const reports = new Map<string, Pick<Report, 'load' | 'begun'>>(
    state.reports.map((report) => [report.id, report]),
  );
  reports.set(state.self, { load: ownLoad(state), begun: begunHere(state) });
  const rows = new Map(vector.map((row) => [row.id, row]));
  const present = state.members.filter(
    ({ id, state: as }) =>
      (as === MemberState.ALIVE || as === MemberState.SUSPECT) && (rows.has(id) || reports.has(id)),
  );
  return present.map(({ id }) => {
    const report = reports.get(id);
    const row = rows.get(id);
    return report ? renewed(row, report, state.nowMs) : row!;
  });
}

/** Once an epoch: the credits this member gave are put back into a vector that was minted without them. */
export function restoreCredits(state: State, rows: readonly Load[]): readonly Load[] {
  if (compareEpochs(state.restored, state.promised) === 0) return rows;
  return rows.map((row) => {
    const there = new Set(creditedIds(row.credits));
    const missing = state.given.filter(
      ({ leader, deadlineMs, requestId }) =>
        leader === row.id && deadlineMs > state.nowMs && !there.has(hex(requestId)),
    );
    const credits = missing.reduce(
      (packed, { requestId, deadlineMs }) => withCredit(packed, requestId, deadlineMs),
      row.credits,
    );
    return { ...row, credits };
  });
}

/** Without the credits that `leader` is heard to have settled. */
export function unsettled(
  given: readonly Given[],
  leader: string,
  begun: ReadonlySet<string>,
): readonly Given[] {
  if (given.length === 0 || begun.size === 0) return given;
  return given.filter((one) => one.leader !== leader || !begun.has(hex(one.requestId)));
}

/** The rows of those that may be elected, in ring order beginning after the last leader. */
export function candidates(state: State, rows: readonly Load[], lastLeader: string): readonly Load[] {
  const ring = ringOf(state).map(({ id }) => id);
  const order = [...ring.filter((id) => id > lastLeader), ...ring.filter((id) => id <= lastLeader)];
  const byId = new Map(rows.map((row) => [row.id, row]));
  return order.flatMap((id) => byId.get(id) ?? []).filter((row) => !row.draining);
}

/**
 * The member to elect: least loaded, then fewest recent grants, then the next in order after the last leader.
 * Undefined when nobody may be elected.
 */
export function leastLoaded(state: State, rows: readonly Load[], lastLeader: string): string | undefined {
  const [first, ...others] = candidates(state, rows, lastLeader);
  if (!first) return undefined;
  return others.reduce((best, row) => {
    const difference = relativeLoad(row) - relativeLoad(best);
    return difference < 0 || (difference === 0 && row.recentGrants < best.recentGrants) ? row : best;
  }, first).id;
}

/** The vector after a grant: the winner's credit and recent grants raised. */
export function charged(rows: readonly Load[], given: Given): readonly Load[] {
  const raised = addCredit(rows, given).map((row) =>
    row.id === given.leader ? { ...row, recentGrants: row.recentGrants + 1 } : row,
  );
  const recent = raised.reduce((sum, row) => sum + row.recentGrants, 0);
  return recent <= 4 * raised.length
    ? raised
    : raised.map((row) => ({ ...row, recentGrants: Math.floor(row.recentGrants / 2) }));
}

/** Whether all that could be elected are draining, rather than missing. */
export function allDraining(state: State, rows: readonly Load[]): boolean {
  return rows.some((row) => row.draining && memberOf(state, row.id)?.state === MemberState.ALIVE);
}
