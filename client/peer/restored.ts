/**
 * A store that was restored from a backup lacks what came after it: owners put again what they know the ledger had.
 * docs/protocol.md, "Rebuilding". Views that were spent since the backup are forgotten with it.
 */
import { create } from '@bufbuild/protobuf';
import { readRights, signRights } from '../../core/rights/signed.js';
import { Refused } from '../../core/rpc/errors.js';
import { RightsSchema } from '../../gen/glimpse/v1/rights_pb.js';
import type { Given } from '../vault/records.js';
import { hex } from './lines.js';
import { remember } from './logs.js';
import type { Workings } from './workings.js';

/** For whenever an owner attends. @throws Unreachable */
export async function putAgain(workings: Workings): Promise<void> {
  const { vault, cloud, self } = workings;
  const mine = vault.given.list().filter(({ current, currentVersion }) => {
    const owner = current && readRights(current).owner!.fingerprint;
    return currentVersion > 0 && owner !== undefined && Buffer.compare(owner, self.fingerprint) === 0;
  });
  if (mine.length === 0) return;
  const status = await cloud.readGrants(mine.map(({ grantId }) => grantId));
  remember(status, workings);
  const versions = new Map(
    status.flatMap(({ signedRights }) => {
      const rights = signedRights && readRights(signedRights);
      return rights ? [[hex(rights.grantId), rights.version] as const] : [];
    }),
  );
  for (const given of mine) {
    const known = versions.get(hex(given.grantId)) ?? 0;
    if (known < given.currentVersion) await putFrom(known + 1, given, workings);
  }
}

/** No version can be jumped to: those in between say what the last one says. */
async function putFrom(first: number, given: Given, { cloud, self, tell }: Workings): Promise<void> {
  const { current, currentVersion, viewer, photo } = given;
  const rights = readRights(current!);
  try {
    for (let version = first; version <= currentVersion; version += 1) {
      const between = create(RightsSchema, { ...rights, version });
      await cloud.putRights(version === currentVersion ? current! : signRights(between, self.keys.signing));
    }
    tell(`the ledger lacked the rights of ${viewer.name} to ${photo.name}: they were put again`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    tell(
      `the ledger lacks the rights of ${viewer.name} to ${photo.name}, and refuses them: ${error.message}`,
    );
  }
}
