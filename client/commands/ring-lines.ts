/** The ring as the commands tell it: one member a line, in the order of the ring. */
import type { MemberStatus, WatchResponse } from '../../gen/glimpse/v1/election_pb.js';
import { MemberState } from '../../gen/glimpse/v1/election_pb.js';

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
  /** Of the token, counter.minter; empty while there is none. */
  readonly epoch: string;
  readonly servers: readonly MemberLine[];
}

export function ringLines({ epoch, members }: WatchResponse): RingLines {
  return { epoch: epoch ? `${epoch.counter}.${epoch.minter}` : '', servers: members.map(memberLine) };
}

const stateWords: Readonly<Record<MemberState, string>> = {
  [MemberState.UNSPECIFIED]: 'unknown',
  [MemberState.ALIVE]: 'alive',
  [MemberState.SUSPECT]: 'suspect',
  [MemberState.DEAD]: 'dead',
  [MemberState.LEFT]: 'left',
};

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
