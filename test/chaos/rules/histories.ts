/** Histories as honest clients of one ledger would have them, drawn by chance; and what is planted in them. */
import { Random } from '../../../server/election/simulator/random.js';
import type { Evidence } from '../../../chaos/rules/check.js';
import type {
  Answer,
  Change,
  Ending,
  GivenState,
  LoggedEvent,
  Operation,
  Outcome,
} from '../../../chaos/rules/history.js';
import { afterChange } from '../../../chaos/rules/ledger.js';
import type { GrantState } from '../../../chaos/rules/ledger.js';

export const grant = 'g1';
const begun = { grant, owner: 'alice', viewer: 'bob', photo: 'p', quota: 3 };

/** One grant, an owner who changes it, a viewer who views it, and answers that get lost. */
export function drawEvidence(seed: number, count: number): Evidence {
  const random = new Random(seed);
  const ledger = new Ledger();
  const operations: Operation[] = [
    ledger.operation('alice', { type: 'share', viewer: 'bob', photo: 'p', views: 3 }, [0, 1], {
      type: 'granted',
      begun,
      delivered: true,
    }),
  ];
  // What overlaps is of different people, as a person does one thing at a time.
  for (let atMs = 10; operations.length < count; atMs += 10) {
    const both = random.chance(0.5) ? [owner, viewer] : [viewer, owner];
    for (const who of both)
      operations.push(who(random, ledger, [atMs + random.between(0, 2), atMs + random.between(3, 9)]));
  }
  return { operations, ending: ledger.ending(), digests: new Map([['alice/p', 'd']]), rolling: [] };
}

type Span = readonly [number, number];

class Ledger {
  state: GrantState = { quota: begun.quota, used: 0, revoked: false };
  version = 1;
  #asked = 0;
  readonly events: LoggedEvent[] = [{ event: 'grant', version: 1, remaining: begun.quota, view: '' }];

  get left(): number {
    return this.state.revoked ? 0 : Math.max(0, this.state.quota - this.state.used);
  }

  note(event: string, view = ''): void {
    this.events.push({ event, version: this.version, remaining: this.left, view });
  }

  operation(
    client: string,
    action: Operation['action'],
    [beganMs, endedMs]: Span,
    answer: Answer | Outcome,
  ): Operation {
    const number = (this.#asked += 1);
    const isAnswer = !['ok', 'refused', 'maybe'].includes(answer.type);
    const outcome = isAnswer ? ({ type: 'ok', answer: answer as Answer } as const) : (answer as Outcome);
    return { number, client, action, beganMs, endedMs, outcome };
  }

  given(): GivenState {
    const { version, state } = this;
    return { grant, ...state, version, taken: version, pending: false, delivered: true };
  }

  ending(): Ending {
    const held = { grant, version: this.version, isThere: true };
    return {
      logs: new Map([[grant, { events: this.events, flaw: null }]]),
      given: new Map([[grant, this.given()]]),
      held: new Map([[grant, held]]),
      opened: new Map([[grant, { type: 'ok', answer: { type: 'viewed', remaining: 0, digest: 'd' } }]]),
      mishaps: [],
    };
  }
}

const lost = { type: 'maybe', why: 'UNREACHABLE' } as const;

function owner(random: Random, ledger: Ledger, span: Span): Operation {
  if (random.chance(0.2))
    return ledger.operation('alice', { type: 'shared' }, span, { type: 'given', grants: [ledger.given()] });
  const change: Change = random.pick([{ add: 2 }, { views: random.integer(0, 9) }, { revoke: true }]);
  const action = { type: 'change', viewer: 'bob', grant, change } as const;
  if (random.chance(0.1)) return ledger.operation('alice', action, span, lost);
  ledger.state = afterChange(ledger.state, change);
  ledger.version += 1;
  ledger.note('update');
  if (random.chance(0.1)) return ledger.operation('alice', action, span, lost);
  const { quota, revoked } = ledger.state;
  return ledger.operation('alice', action, span, {
    ...{ type: 'changed', quota, revoked, version: ledger.version, pending: false },
  });
}

function viewer(random: Random, ledger: Ledger, span: Span): Operation {
  const action = { type: 'view', grant } as const;
  if (random.chance(0.1)) return ledger.operation('bob', action, span, lost);
  if (ledger.left === 0) {
    const reason = ledger.state.revoked ? 'REVOKED' : 'VIEWS_SPENT';
    return ledger.operation('bob', action, span, { type: 'refused', reason });
  }
  ledger.state = { ...ledger.state, used: ledger.state.used + 1 };
  ledger.note('view', `v${ledger.events.length}`);
  if (random.chance(0.1)) return ledger.operation('bob', action, span, lost);
  const remaining = ledger.state.quota - ledger.state.used;
  return ledger.operation('bob', action, span, { type: 'viewed', remaining, digest: 'd' });
}
