/**
 * What a recovered name can have again, from the ledger alone. docs/protocol.md, "Rebuilding". Grants belong to keys:
 * those of replaced keys can be seen and taken back; to view again a viewer is given anew by the owner.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { readRights } from '../../core/rights/signed.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { GrantSide } from '../../gen/glimpse/v1/discovery_pb.js';
import type { GrantStatus } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Rights } from '../../gen/glimpse/v1/rights_pb.js';
import type { FormerGrant, FormerHolding, Rebuilt } from '../engine.js';
import { hex } from './lines.js';
import type { People } from './people.js';
import { requestPhoto } from './request.js';
import { cloudNowMs } from './workings.js';
import type { Workings } from './workings.js';

interface Former {
  readonly rights: Rights;
  readonly used: number;
  readonly revoked: boolean;
}

/** @throws Unreachable without the cloud */
export async function rebuild(workings: Workings, people: People): Promise<Rebuilt> {
  const given = (await formerGrants(GrantSide.OWNER, workings)).map(grantLine);
  const held: FormerHolding[] = [];
  for (const former of latestOfEach(await formerGrants(GrantSide.VIEWER, workings))) {
    held.push(await holdingAgain(former, workings, people));
  }
  return { given, held };
}

/**
 * Takes back a grant of replaced keys, or all of them; their lines as they are then.
 * @throws Refused UNKNOWN_GRANT; Unreachable
 */
export async function revokeFormer(text: string, workings: Workings): Promise<FormerGrant[]> {
  const all = await formerGrants(GrantSide.OWNER, workings);
  const meant = text === 'all' ? all : all.filter(({ rights }) => hex(rights.grantId).startsWith(text));
  if (text !== 'all' && meant.length !== 1) {
    throw new Refused(
      Reason.UNKNOWN_GRANT,
      `${meant.length === 0 ? 'No grant' : 'More than one grant'} of your former keys begins with ${text}: see \`glimpse rebuild\`.`,
    );
  }
  for (const { rights } of meant) await workings.cloud.revokeFormer(rights.grantId);
  return meant.map((former) => grantLine({ ...former, revoked: true }));
}

async function formerGrants(side: GrantSide, { cloud }: Workings): Promise<Former[]> {
  const { formerKeys } = await cloud.listGrants(side);
  const all: GrantStatus[] = [];
  for (let former = 1; former <= formerKeys; former += 1) {
    all.push(...(await cloud.listGrants(side, former)).grants);
  }
  return all.flatMap(({ signedRights, used, closed }) => {
    if (!signedRights) return [];
    const rights = readRights(signedRights);
    return [{ rights, used, revoked: rights.revoked || closed }];
  });
}

function grantLine({ rights, used, revoked }: Former): FormerGrant {
  const { grantId, viewer, quota } = rights;
  return { grant: hex(grantId), viewer: viewer!.name, quota, used, revoked };
}

/** One of each owner and photo, of the latest keys: a name may have been recovered more than once. */
function latestOfEach(all: readonly Former[]): Former[] {
  const found = new Map<string, Former>();
  for (const former of all) {
    const key = `${former.rights.owner!.name}/${hex(former.rights.imageId)}`;
    if (!found.has(key)) found.set(key, former);
  }
  return [...found.values()];
}

async function holdingAgain(former: Former, workings: Workings, people: People): Promise<FormerHolding> {
  const { rights } = former;
  const owner = rights.owner!.name;
  const line = { owner, image: hex(rights.imageId), former: hex(rights.grantId) };
  const expired = rights.expiresAt !== undefined && timestampMs(rights.expiresAt) <= cloudNowMs(workings);
  if (former.revoked || expired) return { ...line, grant: null, why: former.revoked ? 'REVOKED' : 'EXPIRED' };
  const ask = { imageId: rights.imageId, views: 0 };
  try {
    const { held } = await requestPhoto(workings, people, owner, ask, () => undefined);
    return { ...line, grant: hex(held.grantId), why: null };
  } catch (error) {
    if (error instanceof Refused) return { ...line, grant: null, why: Reason[error.reason] };
    if (error instanceof Unreachable) return { ...line, grant: null, why: 'UNREACHABLE' };
    throw error;
  }
}
