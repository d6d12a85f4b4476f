/**
 * Whom a name stands for: the directory tells, the vault pins. A key that changed is an alarm and is not spoken to
 * until its person was verified anew. docs/protocol.md, "Peers"; docs/threat-model.md.
 */
import type { Holder } from '../../core/identity/role.js';
import { checkKeyBundle, fingerprintOf, fingerprintText, safetyNumber } from '../../core/identity/keys.js';
import { Refused, Unreachable } from '../../core/rpc/errors.js';
import { Reason } from '../../gen/glimpse/v1/error_pb.js';
import type { Entry } from '../../gen/glimpse/v1/discovery_pb.js';
import type { Contact } from '../vault/records.js';
import type { PeerLine, Safety } from '../engine.js';
import { PEER_LIMITS } from './limits.js';
import type { Workings } from './workings.js';

/** A contact, and what the directory says of it now; no entry while the cloud is unreachable. */
export interface Known {
  readonly contact: Contact;
  readonly entry: Entry | undefined;
  /** Its key was pinned just now. */
  readonly met: boolean;
}

export class People {
  readonly #workings: Workings;

  constructor(workings: Workings) {
    this.#workings = workings;
  }

  /**
   * The peer that `spec` (`name` or `name#fingerprint`) names, pinned at first contact. With a fingerprint it is
   * verified as well.
   * @throws Refused UNKNOWN_PEER, KEY_CHANGED; Unreachable for a stranger while the cloud is down
   */
  async find(spec: string): Promise<Known> {
    const [name, fingerprint] = split(spec);
    if (name === this.#workings.self.name) {
      throw new Refused(Reason.INVALID_REQUEST, `${name} is your own name: name another peer.`);
    }
    const known = await this.#look(name);
    if (known.contact.alarm) throw changed(name);
    if (fingerprint === undefined) return known;
    if (plain(fingerprintText(known.contact.fingerprint)) !== plain(fingerprint)) {
      throw new Refused(Reason.KEY_CHANGED, `The key of ${name} is not the one you named: nothing was sent.`);
    }
    this.#workings.vault.contacts.verify(name, known.contact.fingerprint);
    return { ...known, contact: { ...known.contact, verified: true } };
  }

  /** A contact by its name alone, without asking anyone. @throws Refused UNKNOWN_PEER */
  known(spec: string): Contact {
    const [name] = split(spec);
    const contact = this.#workings.vault.contacts.get(name);
    if (contact) return contact;
    throw new Refused(Reason.UNKNOWN_PEER, `You have not met ${name} yet.`);
  }

  /**
   * The contact behind a caller, whose certificate the transport has checked. Its key must be the directory's
   * current one, and the pinned one; while the cloud is down, the pinned one is enough.
   * @throws Refused KEY_CHANGED, KEY_REPLACED, CLOUD_UNREACHABLE
   */
  async behind(caller: Holder): Promise<Contact> {
    const { contact, entry } = await this.#lookForCaller(caller);
    if (entry?.keys && !same(entry.keys.signingKey, caller.signingKey)) {
      throw new Refused(
        Reason.KEY_REPLACED,
        `Your key is not the directory's current one for ${caller.name}.`,
      );
    }
    if (!same(contact.keys.signingKey, caller.signingKey)) throw changed(caller.name);
    return contact;
  }

  /** Everyone in the directory but me, and contacts that the directory does not have. */
  async list(): Promise<PeerLine[]> {
    const { cloud, vault, self } = this.#workings;
    const entries = await cloud.list().catch((error: unknown) => {
      if (error instanceof Unreachable) return undefined;
      throw error;
    });
    const contacts = new Map(vault.contacts.list().map((contact) => [contact.name, contact]));
    const listed = (entries ?? []).filter(({ name, keys }) => name !== self.name && keys !== undefined);
    const lines = listed.map((entry) => line(contacts.get(entry.name), entry));
    const told = new Set(listed.map(({ name }) => name));
    const away = [...contacts.values()].filter(({ name }) => !told.has(name));
    const others = away.map((contact) => line(contact, undefined, entries !== undefined));
    return [...lines, ...others].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async safety(spec: string): Promise<Safety> {
    const [name] = split(spec);
    const { contact } = await this.#look(name);
    const fingerprint = contact.alarm?.fingerprint ?? contact.fingerprint;
    return {
      peer: name,
      number: safetyNumber(this.#workings.self.fingerprint, fingerprint),
      fingerprint: fingerprintText(fingerprint),
      verified: contact.verified && !contact.alarm,
      changed: contact.alarm !== undefined,
    };
  }

  /** The two people have compared the number: the key it was made of is the peer's. */
  async markVerified(spec: string): Promise<Safety> {
    const { contacts } = this.#workings.vault;
    const [name] = split(spec);
    const { contact } = await this.#look(name);
    if (contact.alarm) contacts.accept(name, contact.alarm.fingerprint, this.#workings.edge.clock());
    contacts.verify(name, contact.alarm?.fingerprint ?? contact.fingerprint);
    return this.safety(name);
  }

  async #look(name: string): Promise<Known> {
    const { cloud, vault } = this.#workings;
    try {
      return this.#meet(await cloud.lookUp(name));
    } catch (error) {
      const contact = vault.contacts.get(name);
      if (!(error instanceof Unreachable) || !contact) throw error;
      return { contact, entry: undefined, met: false };
    }
  }

  async #lookForCaller({ name, signingKey }: Holder): Promise<Known> {
    const { cloud, vault } = this.#workings;
    try {
      return this.#meet(await cloud.lookUp(name, { attemptMs: PEER_LIMITS.callerLookUpMs }));
    } catch (error) {
      const contact = vault.contacts.get(name);
      if (!(error instanceof Unreachable)) throw error;
      if (contact && same(contact.keys.signingKey, signingKey))
        return { contact, entry: undefined, met: false };
      throw new Refused(
        Reason.CLOUD_UNREACHABLE,
        'I do not know you yet and cannot ask the cloud about you now: try again later.',
      );
    }
  }

  /** @throws Refused KEY_REPLACED when the directory's keys do not belong together */
  #meet(entry: Entry): Known {
    const keys = entry.keys;
    if (!keys) throw new Refused(Reason.UNKNOWN_PEER, `The directory has no keys for ${entry.name}.`);
    checkKeyBundle(keys);
    const peer = { name: entry.name, keys, fingerprint: fingerprintOf(keys) };
    const meeting = this.#workings.vault.contacts.meet(peer, this.#workings.edge.clock());
    if (meeting.type === 'changed') this.#workings.tell(changed(entry.name).message);
    // Where to find each other should the cloud be gone.
    else if (entry.online && entry.address !== '')
      this.#workings.vault.contacts.reached(entry.name, entry.address);
    return { contact: meeting.contact, entry, met: meeting.type === 'pinned' };
  }
}

function line(contact: Contact | undefined, entry: Entry | undefined, cloudAnswers = true): PeerLine {
  const fingerprint = contact?.fingerprint ?? fingerprintOf(entry!.keys!);
  return {
    name: contact?.name ?? entry!.name,
    online: entry ? entry.online : cloudAnswers ? false : null,
    address: (entry?.online === true ? entry.address : contact?.address) || null,
    fingerprint: fingerprintText(fingerprint),
    verified: contact?.verified ?? false,
    policy: contact?.policy ?? 'none',
    changed:
      contact?.alarm !== undefined ||
      (entry?.keys !== undefined && !same(fingerprintOf(entry.keys), fingerprint)),
  };
}

function split(spec: string): readonly [name: string, fingerprint: string | undefined] {
  const [name = '', ...rest] = spec.split('#');
  return [name, rest.length === 0 ? undefined : rest.join('#')];
}

const plain = (fingerprint: string): string => fingerprint.toLowerCase().replace(/[\s-]/g, '');

const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

function changed(name: string): Refused {
  return new Refused(
    Reason.KEY_CHANGED,
    `${name} comes with another key than the one known here. Ask ${name} in person; if the key is really new, ` +
      `compare numbers with \`glimpse verify ${name}\` and confirm.`,
  );
}
