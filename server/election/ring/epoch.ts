/** The order of epochs and the words made of them. docs/protocol.md, "Epochs". */
import { create } from '@bufbuild/protobuf';
import { EpochSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { Epoch } from '../../../gen/glimpse/v1/election_pb.js';

/** Below every epoch that was ever minted. */
export const noEpoch: Epoch = create(EpochSchema, { counter: 0, minter: '', life: 0 });

/** Negative, zero or positive as `a` is below, equal to or above `b`: by counter, then minter, then life. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.minter !== b.minter) return a.minter < b.minter ? -1 : 1;
  return a.life - b.life;
}

/** The epoch that `minter`, in this life, mints when it has promised `highest`. */
export function nextEpoch(highest: Epoch, minter: string, life: number): Epoch {
  return create(EpochSchema, { counter: highest.counter + 1, minter, life });
}

/** `3.a`; `3.a#2` in the minter's second life. */
export function epochName({ counter, minter, life }: Epoch): string {
  return `${counter}.${minter}${life > 1 ? `#${life}` : ''}`;
}
