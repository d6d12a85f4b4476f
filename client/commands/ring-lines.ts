/** The ring as the commands tell it: one member a line, in the order of the ring. */
import { memberLine } from '../../core/ring-lines.js';
import type { RingLines } from '../../core/ring-lines.js';
import type { WatchResponse } from '../../gen/glimpse/v1/election_pb.js';

export function ringLines({ epoch, members }: WatchResponse): RingLines {
  return { epoch: epoch ? `${epoch.counter}.${epoch.minter}` : '', servers: members.map(memberLine) };
}
