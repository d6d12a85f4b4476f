/** How a grant's log grows: docs/format.md, "Log". */
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { nextLogHead } from '../../../core/rights/log.js';
import { LogEntrySchema } from '../../../gen/glimpse/v1/discovery_pb.js';
import type { LogEvent } from '../../../gen/glimpse/v1/discovery_pb.js';
import { TallyRecordSchema } from '../../../gen/glimpse/v1/records_pb.js';
import type { TallyRecord } from '../../../gen/glimpse/v1/records_pb.js';
import type { Party, Rights } from '../../../gen/glimpse/v1/rights_pb.js';
import { remainingOf } from './view.js';

/** What is written down. */
export interface Happening {
  readonly event: LogEvent;
  readonly by: Party;
  readonly viewId?: Uint8Array;
  /** How many were unlocked at once. */
  readonly views?: number;
  readonly snapshot?: Uint8Array;
}

export interface Logged {
  readonly tally: TallyRecord;
  readonly sequence: number;
  /** Encoded as it is chained. */
  readonly entry: Uint8Array;
}

/** The tally with the entry in its chain; `rights` and `tally` are as they are after the event. */
export function logged(rights: Rights, tally: TallyRecord, happening: Happening, nowMs: number): Logged {
  const sequence = tally.logLength + 1;
  const entry = toBinary(
    LogEntrySchema,
    create(LogEntrySchema, {
      ...happening,
      sequence,
      time: timestampFromMs(nowMs),
      version: rights.version,
      remaining: tally.closed ? 0 : remainingOf(rights, tally.used),
    }),
  );
  const logHead = nextLogHead(tally.logHead, entry);
  return { tally: create(TallyRecordSchema, { ...tally, logHead, logLength: sequence }), sequence, entry };
}
