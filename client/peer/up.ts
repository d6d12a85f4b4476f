/**
 * A client that is up: it serves its peers, is present in the directory, takes what the cloud holds for it, and
 * empties its outbox, until it is closed. docs/protocol.md, "Peers".
 */
import { requestCertificate, shouldRenew } from '../../core/identity/certificates.js';
import { ListenerCredentials } from '../../core/identity/tls.js';
import { Refused } from '../../core/rpc/errors.js';
import { formatAddress } from '../../core/address.js';
import { startServer } from '../../core/rpc/server.js';
import { addService } from '../../core/rpc/service.js';
import { Peer } from '../../gen/glimpse/v1/peer_pb.js';
import type { RightsUpdate } from '../../gen/glimpse/v1/discovery_pb.js';
import { attend } from '../cloud/attend.js';
import type { Attending, Taken } from '../cloud/attend.js';
import { PEER_LIMITS } from './limits.js';
import type { Member } from './member.js';
import { putAgain } from './restored.js';
import { asRefused, peerService } from './service.js';
import type { Offer } from './service.js';
import type { Workings } from './workings.js';

export interface UpSettings {
  readonly listen: { readonly host: string; readonly port: number };
  readonly advertise: string | undefined;
  readonly offer: Offer;
}

export interface UpAndRunning {
  readonly address: string;
  /** The server attended at; undefined while away. */
  attendedAt(): string | undefined;
  /** Why this client cannot be up any more. */
  readonly ended: Promise<Error>;
  close(): Promise<void>;
}

/** Present on return; or trying to be, if the cloud does not answer soon. @throws CannotListen */
export async function startUp(member: Member, settings: UpSettings): Promise<UpAndRunning> {
  const { workings } = member;
  const { vault, edge, tell } = workings;
  await vault.clean(edge.clock());
  const server = await startServer({
    ...settings.listen,
    credentials: new ListenerCredentials(workings.self.tls, 'required'),
    register: (grpcServer) =>
      addService(grpcServer, Peer, peerService({ ...member, offer: settings.offer }), {
        allow: {
          browse: ['client'],
          requestPhoto: ['client'],
          deliver: ['client'],
          updateRights: ['client'],
        },
        asRefused: (error) => asRefused(error, tell),
        failed: (method, cause) => tell(`${method} failed: ${String(cause)}`),
      }),
  });
  const { advertise } = settings;
  const address =
    advertise === undefined ? server.address : formatAddress({ host: advertise, port: server.port });
  const ending = new AbortController();
  const presence = new Presence(member, address);
  const attending = attend(workings.cloud, workings.servers, presence, ending.signal, edge);
  const ended = attending.then(
    () => new Error('This client was closed.'),
    (error: unknown) => (error instanceof Refused ? error : new Error(String(error))),
  );
  void warm(settings.offer, ending.signal, tell);
  const couriering = member.courier.run(ending.signal);
  await Promise.race([presence.begun, ended, edge.sleep(PEER_LIMITS.presentMs, ending.signal)]);
  return {
    address,
    attendedAt: () => presence.server,
    ended,
    close: async () => {
      ending.abort();
      member.attendsWith(undefined);
      await server.stop(PEER_LIMITS.stopMs);
      await Promise.all([ended, couriering]);
    },
  };
}

/** The gallery is looked at before anyone asks for it. What stands in the way is for its owner to hear. */
async function warm({ gallery }: Offer, signal: AbortSignal, tell: Workings['tell']): Promise<void> {
  try {
    await gallery.warm(signal);
  } catch (error) {
    if (!signal.aborted) tell(error instanceof Error ? error.message : String(error));
  }
}

class Presence implements Attending {
  readonly name: string;
  readonly address: string;
  server: string | undefined;
  /** Settles when this client is present for the first time. */
  readonly begun: Promise<void>;
  readonly #member: Member;
  #begin: () => void = () => undefined;

  constructor(member: Member, address: string) {
    this.#member = member;
    this.name = member.workings.self.name;
    this.address = address;
    this.begun = new Promise((resolve) => (this.#begin = resolve));
  }

  async take({ signedRights, ownerKeys }: RightsUpdate): Promise<Taken | undefined> {
    const { heldRights, workings } = this.#member;
    if (!signedRights || !ownerKeys) return undefined;
    try {
      const taken = heldRights.take(signedRights, ownerKeys);
      workings.later(heldRights.encapsulate(taken.grantId));
      return taken;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      workings.tell(`the cloud sent rights that were not taken: ${error.message}`);
      return undefined;
    }
  }

  attended(server: string, nowMs: number, acknowledge: (taken: Taken) => void): void {
    const { workings } = this.#member;
    const { vault, cloud, edge } = workings;
    this.server = server;
    this.#begin();
    this.#member.attendsWith(acknowledge);
    if (!Number.isNaN(nowMs)) {
      vault.identity.heard(cloud.servers, nowMs - edge.clock());
      vault.prepaid.markClock(nowMs, { certain: true });
    }
    vault.outbox.wakeCloud(edge.clock());
    workings.later(this.#member.prepaid.settle());
    workings.later(putAgain(workings));
    workings.later(renewIfDue(workings));
  }

  away(cause: unknown): void {
    if (this.server !== undefined) {
      const why = cause instanceof Error ? cause.message : 'it is about to stop';
      this.#member.workings.tell(`${this.server} is left (${why}): trying another server`);
    }
    this.server = undefined;
    this.#member.attendsWith(undefined);
  }
}

/** The new certificate is used from the next start on; the old one is good for months yet. */
async function renewIfDue({ self, vault, cloud, edge }: Workings): Promise<void> {
  const certificate = vault.identity.get()?.membership?.certificates[0];
  if (!certificate || !shouldRenew(certificate, edge.clock())) return;
  const request = await requestCertificate(self.name, self.keys.signing);
  vault.identity.renew([await cloud.renew(request)]);
}
