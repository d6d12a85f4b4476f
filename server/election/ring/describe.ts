/** Messages, events and effects in a line of text: for the simulator's traces and the scenarios. */
import type { Epoch, Member } from '../../../gen/glimpse/v1/election_pb.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { epochName } from './epoch.js';
import { hex } from './state.js';
import type { Effect, Message } from './state.js';

const name = (epoch: Epoch | undefined) => (epoch ? epochName(epoch) : '-');
const short = (id: Uint8Array) => hex(id).replace(/^0+(?=.)/, '');
const list = (label: string, ids: readonly string[]) =>
  ids.length === 0 ? '' : ` ${label} ${ids.join(',')}`;

function ofMember({ id, state, incarnation }: Member): string {
  return `${id} ${MemberState[state].toLowerCase()} ${incarnation}`;
}

/** `Token 3.a hop 7 for c`. */
export function describeMessage(message: Message): string {
  switch (message.case) {
    case 'token':
      return `Token ${name(message.value.epoch)} hop ${message.value.hop}${list('for', message.value.wantedBy)}`;
    case 'taken':
      return `TokenTaken ${name(message.value.epoch)} hop ${message.value.hop}`;
    case 'want':
      return `Want by ${message.value.id} at ${name(message.value.epoch)} hops ${message.value.hops}`;
    case 'claim':
      return `Claim by ${message.value.id} at ${name(message.value.epoch)} hops ${message.value.hops}`;
    case 'member':
      return `Member ${ofMember(message.value)}`;
    case 'entrust':
      return `Entrust ${short(message.value.requestId)}`;
    case 'entrusted':
      return `Entrusted ${short(message.value.requestId)} ${message.value.ticket?.leader ?? 'refused'}`;
    case 'ping':
      return `Ping ${message.value.sequence} at ${name(message.value.epoch)}`;
    case 'pong':
      return `Pong ${message.value.sequence} at ${name(message.value.epoch)}`;
  }
}

/** `a->b Token 3.a hop 7`, `a grants 5 to b under 3.a/7/0`. */
export function describeEffect(self: string, effect: Effect): string {
  switch (effect.type) {
    case 'send':
      return `${self}->${effect.to} ${describeMessage(effect.message)}`;
    case 'dial':
      return `${self} dials ${effect.to}`;
    case 'hangUp':
      return `${self} hangs up on ${effect.to}`;
    case 'grant': {
      const { requestId, leader, epoch, hop, index } = effect.ticket;
      return `${self} grants ${short(requestId)} to ${leader} under ${name(epoch)}/${hop}/${index}`;
    }
    case 'refuse':
      return `${self} refuses ${effect.key.split('/')[0]!.replace(/^0+(?=.)/, '')}: ${effect.why}`;
    case 'mint':
      return `${self} mints ${name(effect.epoch)}: ${effect.why}`;
    case 'left':
      return `${self} has left`;
  }
}
