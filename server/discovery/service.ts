/** The Discovery service: each handler checks, calls and maps, and holds no state. docs/protocol.md, "Discovery". */
import { issueCertificate, requestIsFor } from '../../core/identity/certificates.js';
import type { Authority } from '../../core/identity/certificates.js';
import { Refused } from '../../core/rpc/errors.js';
import type { Allowed, Handlers } from '../../core/rpc/method.js';
import { GrantSide } from '../../gen/glimpse/v1/discovery_pb.js';
import type { Discovery } from '../../gen/glimpse/v1/discovery_pb.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Ledger } from '../ledger/ledger.js';
import { attend } from './attendance.js';
import type { Directory } from './directory.js';
import type { Mailbox } from './mailbox.js';
import type { Presence } from './presence.js';
import type { Sessions } from './sessions.js';

/** Who may call what. */
export const DISCOVERY_CALLERS: Allowed<typeof Discovery> = {
  lookUp: ['client'],
  list: ['client'],
  attend: ['client'],
  reportOffline: ['client'],
  putRights: ['client'],
  readGrants: ['client'],
  listGrants: ['client'],
  readLog: ['client'],
  revokeFormer: ['client'],
  recordDelivery: ['client'],
  renew: ['client'],
  leave: ['client'],
  checkSession: ['server'],
};

export interface DiscoveryOptions {
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly mailbox: Mailbox;
  readonly presence: Presence;
  readonly ledger: Ledger;
  readonly authority: Authority;
  /** This server's id. */
  readonly server: string;
  /** Addresses of all servers, host:port. */
  readonly servers: () => readonly string[];
  readonly now: () => Date;
  /** Draws a certificate's serial number of 16 bytes. */
  readonly drawSerial: () => Uint8Array;
}

export function discoveryHandlers(options: DiscoveryOptions): Handlers<typeof Discovery> {
  const { directory, sessions, presence, ledger } = options;
  return {
    async lookUp({ name }) {
      const entry = await directory.entry(name);
      if (!entry)
        throw new Refused(Reason.UNKNOWN_PEER, `nobody is called ${name} in this cloud: check the name`);
      return { entry };
    },

    list: ({ after, onlineOnly }) => directory.page(after, onlineOnly),

    async *attend(requests, { caller, signal }) {
      yield* attend(options, await directory.caller(caller), requests, signal);
    },

    reportOffline: async ({ name, sessionId }) => ({ online: await presence.check(name, sessionId) }),

    async putRights({ signedRights }, { caller }) {
      return ledger.put(await directory.caller(caller), signedRights!);
    },

    async readGrants({ grantIds }, { caller }) {
      return { grants: await ledger.read(await directory.caller(caller), grantIds) };
    },

    async listGrants({ side, after, former }, { caller }) {
      const { name, fingerprint } = await directory.caller(caller);
      const replaced = await directory.former(name);
      const party = { fingerprint: former === 0 ? fingerprint : replaced[former - 1] };
      const page = hasKeys(party)
        ? await ledger.list(party, side === GrantSide.OWNER ? 'owner' : 'viewer', after)
        : { grants: [], more: false };
      return { ...page, formerKeys: replaced.length };
    },

    async revokeFormer({ grantId }, { caller }) {
      const owner = await directory.caller(caller);
      await ledger.revokeFormer(owner, await directory.former(owner.name), grantId);
      return {};
    },

    async readLog({ grantId, after }, { caller }) {
      return ledger.log(await directory.caller(caller), grantId, after);
    },

    async recordDelivery({ grantId, snapshot }, { caller }) {
      await ledger.recordDelivery(await directory.caller(caller), grantId, snapshot);
      return {};
    },

    async renew({ certificateRequest }, { caller }) {
      const { name, keys } = await directory.caller(caller);
      if (!(await requestIsFor(certificateRequest, keys.signingKey))) {
        throw new Refused(
          Reason.INVALID_REQUEST,
          'the certificate request is not for the key of this certificate',
        );
      }
      const { authority, now, drawSerial } = options;
      const certificate = await issueCertificate(authority, {
        role: 'client',
        name,
        signingKey: keys.signingKey,
        nowMs: now().getTime(),
        serial: drawSerial(),
      });
      return { certificate };
    },

    async leave(_request, { caller }) {
      const { name, keys } = await directory.caller(caller);
      await directory.leave(name, keys.signingKey);
      sessions.nameChanged(name, undefined);
      return {};
    },

    checkSession: async ({ name, sessionId }) => ({ alive: await presence.answers(name, sessionId) }),
  };
}

function hasKeys(party: { fingerprint: Uint8Array | undefined }): party is { fingerprint: Uint8Array } {
  return party.fingerprint !== undefined;
}
