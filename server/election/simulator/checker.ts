/**
 * What must hold whatever happens, checked after every step; docs/protocol.md, "Properties". A breach throws.
 */
import type { Ticket, Token } from '../../../gen/glimpse/v1/election_pb.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { compareEpochs, epochName, noEpoch } from '../ring/epoch.js';
import { relativeLoad } from '../ring/load.js';
import { memberOf } from '../ring/members.js';
import { termOf } from '../ring/requests.js';
import { hex } from '../ring/state.js';
import type { Effect, Event, State } from '../ring/state.js';
import type { Watcher } from './world.js';

export class Breach extends Error {
  override readonly name = 'Breach';
}

function insist(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Breach(message());
}

const electing = new Set(['token', 'taken', 'want', 'claim']);

/** One member's highest epoch, as seen from outside: kept apart from the member's own bookkeeping. */
function epochsIn(event: Event): readonly (typeof noEpoch)[] {
  if (event.type === 'up' || event.type === 'announced') return [event.epoch];
  if (event.type !== 'message') return [];
  const { message } = event;
  switch (message.case) {
    case 'token':
    case 'want':
    case 'claim':
    case 'ping':
    case 'pong':
      return [message.value.epoch!];
    case 'taken':
    case 'member':
    case 'entrust':
    case 'entrusted':
      return [];
  }
}

export class Checker implements Watcher {
  readonly #terms = new Map<string, string>();
  readonly #hops = new Map<string, string>();
  readonly #seen = new Map<string, typeof noEpoch>();
  /** Messages sent to elect; pings and news of members are not among them. */
  messages = 0;
  grants = 0;
  events = 0;
  mints = 0;

  /** A checker that has seen the same and goes its own way. */
  copy(): Checker {
    const copy = new Checker();
    for (const [term, grant] of this.#terms) copy.#terms.set(term, grant);
    for (const [hop, holder] of this.#hops) copy.#hops.set(hop, holder);
    for (const [id, epoch] of this.#seen) copy.#seen.set(id, epoch);
    return copy;
  }

  /** All that later verdicts depend on, in a text. */
  get memory(): string {
    const seen = [...this.#seen].map(([id, epoch]): [string, string] => [id, epochName(epoch)]);
    return [this.#terms, this.#hops, seen].map((map) => [...map].sort().join(' ')).join('; ');
  }

  /** A process that was restarted has forgotten what it promised. */
  started(id: string): void {
    this.#seen.delete(id);
  }

  stepped(id: string, before: State, event: Event, after: State, effects: readonly Effect[]): void {
    this.events += 1;
    for (const epoch of epochsIn(event)) this.#see(id, epoch);
    insist(!(after.held && after.passed), () => `${id} holds a token and waits for another to be taken`);
    insist(compareEpochs(after.promised, before.promised) >= 0, () => `${id} took its promise back`);
    const idle = after.held && after.storeReachable && after.waiting.length > 0;
    insist(!idle, () => `${id} holds the token and lets a request wait`);
    if (after.held && after.held !== before.held) this.#heldOnce(id, after.held.token, after.held.token.hop);
    for (const effect of effects) this.#effect(id, after, effect);
  }

  #see(id: string, epoch: typeof noEpoch): void {
    const highest = this.#seen.get(id) ?? noEpoch;
    if (compareEpochs(epoch, highest) > 0) this.#seen.set(id, epoch);
  }

  #heldOnce(id: string, { epoch }: Token, at: number): void {
    const hop = `${epochName(epoch!)}/${at}`;
    const holder = this.#hops.get(hop) ?? id;
    insist(holder === id, () => `${holder} and ${id} hold the token at ${hop}`);
    this.#hops.set(hop, id);
  }

  #effect(id: string, after: State, effect: Effect): void {
    if (effect.type === 'mint') {
      this.mints += 1;
      this.#see(id, effect.epoch);
    }
    if (effect.type === 'grant' && effect.ticket.grantedBy === id) this.#grant(id, after, effect.ticket);
    if (effect.type !== 'send') return;
    const { message } = effect;
    if (electing.has(message.case)) this.messages += 1;
    if (message.case === 'token') this.#heldOnce(id, message.value, message.value.hop - 1);
    if (message.case === 'entrusted' && message.value.ticket) this.#grant(id, after, message.value.ticket);
  }

  #grant(id: string, after: State, ticket: Ticket): void {
    this.grants += 1;
    const term = termOf(ticket);
    const grant = `${hex(ticket.requestId)} to ${ticket.leader} by ${ticket.grantedBy}`;
    const other = this.#terms.get(term);
    insist(other === undefined, () => `two leaders for ${term}: ${other}, and ${grant}`);
    this.#terms.set(term, grant);
    const highest = this.#seen.get(id) ?? noEpoch;
    insist(
      compareEpochs(ticket.epoch!, highest) >= 0,
      () => `${id} grants under ${term} after it saw ${epochName(highest)}`,
    );
    this.#fit(id, after, ticket);
  }

  #fit(id: string, after: State, { leader }: Ticket): void {
    insist(
      memberOf(after, leader)?.state === MemberState.ALIVE,
      () => `${id} elects ${leader}, which does not look alive to it`,
    );
    const row = after.loads.find((load) => load.id === leader);
    insist(row?.draining === false, () => `${id} elects ${leader}, which is draining or has no row`);
    insist(relativeLoad(row) > 0, () => `${id} elects ${leader} at load ${relativeLoad(row)}`);
  }
}
