/**
 * Reading the ledger so that it is held to what it said: every head of a log that comes by is remembered, and a
 * log that is read is proven against all of them. docs/format.md, "Log".
 */
import { readRights } from '../../core/rights/signed.js';
import { flawText, proveLog } from '../../core/rights/log.js';
import type { GrantStatus } from '../../gen/glimpse/v1/discovery_pb.js';
import type { GrantLogLines } from '../engine.js';
import { hex, logLines } from './lines.js';
import type { Workings } from './workings.js';

/** The ledger's word on grants, by id in hex; empty while it cannot be asked. */
export async function statusOf(
  grantIds: readonly Uint8Array[],
  workings: Workings,
): Promise<ReadonlyMap<string, GrantStatus>> {
  const status = await workings.cloud.grantsById(grantIds);
  remember([...status.values()], workings);
  return status;
}

/** Their logs had these heads: whoever tells otherwise later is found out. A power failure may forget the last. */
export function remember(status: readonly GrantStatus[], { vault, edge }: Workings): void {
  vault.note(() => {
    for (const { signedRights, logLength: length, logHead: head } of status) {
      if (signedRights)
        vault.logHeads.see(readRights(signedRights).grantId, [{ length, head }], edge.clock());
    }
  });
}

/** A grant's whole log, with what it proves. Its heads are remembered if nothing is wrong with it. */
export async function provenLog(
  grantId: Uint8Array,
  viewer: string,
  workings: Workings,
): Promise<GrantLogLines> {
  const { cloud, vault, edge } = workings;
  // Its head comes first, so that the log that follows must have at least that length.
  remember(await cloud.readGrants([grantId]), workings);
  const told = await cloud.readLog(grantId);
  const seen = vault.logHeads.of(grantId);
  const { entries, heads, flaw } = proveLog(told.entries, told.head, seen);
  if (!flaw) {
    const proven = heads.map((head, length) => ({ length, head }));
    vault.logHeads.see(grantId, proven, edge.clock());
  }
  return {
    grant: hex(grantId),
    lines: logLines(entries, told.refusals, viewer),
    entries: told.entries.map((entry) => Buffer.from(entry).toString('base64')),
    head: hex(told.head),
    seen: seen.map(({ length, head, seenAtMs }) => ({ length, head: hex(head), at: seenAtMs })),
    flaw: flaw ? { ...flaw, message: flawText(flaw) } : null,
  };
}
