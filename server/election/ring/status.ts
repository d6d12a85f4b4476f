/** The ring as one member sees it, for people: Election.Watch. */
import { create } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { WatchResponse } from '../../../gen/glimpse/v1/election_pb.js';
import { relativeLoad, visitedLoads } from './load.js';
import type { State } from './state.js';

/** Loads are as of each member's last pong; credits as of the token's last visit. */
export function statusOf(state: State): WatchResponse {
  const loads = new Map(visitedLoads(state, state.loads).map((load) => [load.id, load]));
  return create(WatchResponseSchema, {
    id: state.self,
    epoch: state.promised,
    lastLeader: state.lastLeader,
    members: state.members.map((member) => {
      const load = loads.get(member.id);
      return { member, ...(load && { load, relativeLoad: relativeLoad(load) }) };
    }),
  });
}

/** Whether people would see a difference. */
export function looksDifferent(before: State, after: State): boolean {
  return (
    before.members !== after.members ||
    before.loads !== after.loads ||
    before.reports !== after.reports ||
    before.promised !== after.promised ||
    before.inFlight !== after.inFlight ||
    before.draining !== after.draining
  );
}
