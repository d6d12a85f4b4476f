/** The promise of a member: nothing below the highest epoch it has seen. docs/protocol.md, "Epochs". */
import type { Epoch } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs } from './epoch.js';
import { changed } from './state.js';
import type { State } from './state.js';

/** Raises the promise; a token of a lower epoch dies here, and so does the copy of one. */
export function promise(state: State, epoch: Epoch): State {
  if (compareEpochs(epoch, state.promised) <= 0) return state;
  return changed(state, { promised: epoch, promisedHop: -1, held: undefined, passed: undefined });
}
