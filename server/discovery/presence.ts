/**
 * Whether a client that someone could not reach is there: the server that holds its session asks it. A report is
 * a reason to look, never proof. docs/protocol.md, "Discovery".
 */
import { Unreachable } from '../../core/rpc/errors.js';
import { sameBytes } from './directory.js';
import { DISCOVERY_LIMITS } from './limits.js';
import type { Sessions } from './sessions.js';

export interface PresenceOptions {
  readonly sessions: Sessions;
  readonly server: string;
  /** Asks another server about a session it holds. @throws Unreachable */
  readonly askServer: (server: string, name: string, sessionId: Uint8Array) => Promise<boolean>;
}

export class Presence {
  readonly #options: PresenceOptions;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /**
   * Whether the accused session, or one that replaced it, is present. One that does not answer is removed; one
   * whose server cannot be asked is left to that server's lease.
   * @throws StoreUnavailable
   */
  async check(name: string, sessionId: Uint8Array): Promise<boolean> {
    const { sessions, server, askServer } = this.#options;
    const present = await sessions.present(name);
    if (!present) return false;
    if (!sameBytes(present.sessionId, sessionId)) return true;
    if (present.server === server) return this.answers(name, sessionId);
    try {
      return await askServer(present.server, name, sessionId);
    } catch (error) {
      if (error instanceof Unreachable) return false;
      throw error;
    }
  }

  /** Whether a session of this server answers; it is ended and its row removed if not. @throws StoreUnavailable */
  async answers(name: string, sessionId: Uint8Array): Promise<boolean> {
    const { sessions } = this.#options;
    const session = sessions.find(name, sessionId);
    if (session && (await session.probe(DISCOVERY_LIMITS.probeMs))) return true;
    session?.end();
    await sessions.remove(name, sessionId);
    return false;
  }
}
