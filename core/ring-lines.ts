/** The ring as both binaries print it, in JSON and for people: one member a line, in the order of the ring. */
import { MemberState } from '../gen/glimpse/v1/election_pb.js';
import type { MemberStatus, WatchResponse } from '../gen/glimpse/v1/election_pb.js';

export interface MemberLine {
  readonly id: string;
  readonly address: string;
  readonly state: string;
  /** Work promised and under way, relative to what the member can do. */
  readonly load: number;
  /** The machine's CPU in use, 0 to 1. */
  readonly cpu: number;
  readonly inFlight: number;
  readonly granted: number;
}

export interface RingLines {
  /** Of the token, counter.minter; 0 while there is none. */
  readonly epoch: string;
  readonly servers: readonly MemberLine[];
}

const stateWords: Readonly<Record<MemberState, string>> = {
  [MemberState.UNSPECIFIED]: 'unknown',
  [MemberState.ALIVE]: 'alive',
  [MemberState.SUSPECT]: 'suspect',
  [MemberState.DEAD]: 'dead',
  [MemberState.LEFT]: 'left',
};

export function ringLines({ epoch, members }: WatchResponse): RingLines {
  return {
    epoch: epoch?.minter ? `${epoch.counter}.${epoch.minter}` : '0',
    servers: members.map(memberLine),
  };
}

function memberLine({ member, load, relativeLoad }: MemberStatus): MemberLine {
  return {
    id: member?.id ?? '',
    address: member?.address ?? '',
    state: load?.draining === true ? 'draining' : stateWords[member?.state ?? MemberState.UNSPECIFIED],
    load: relativeLoad,
    cpu: load?.cpu ?? 0,
    inFlight: load?.inFlight ?? 0,
    granted: load?.granted ?? 0,
  };
}
