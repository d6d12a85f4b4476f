/**
 * A bug planted on purpose, to show that the simulator would find it: the bypass that sends the same token again
 * instead of minting. It wraps the step from outside; production has no switch for it.
 */
import type { Token } from '../../../../gen/glimpse/v1/election_pb.js';
import type { Effect, Outcome, State } from '../../../../server/election/ring/state.js';
import type { Step } from '../../../../server/election/simulator/world.js';

function sentAgain(copy: Token) {
  return (effect: Effect): Effect =>
    effect.type === 'send' && effect.message.case === 'token'
      ? { ...effect, message: { case: 'token', value: copy } }
      : effect;
}

function resend({ passed: copy }: State, [after, effects]: Outcome): Outcome {
  if (!copy || !after.passed) return [after, effects];
  const promise = { promised: copy.token.epoch!, promisedHop: copy.token.hop };
  const passed = { ...after.passed, token: copy.token };
  return [
    { ...after, ...promise, passed },
    effects.filter(({ type }) => type !== 'mint').map(sentAgain(copy.token)),
  ];
}

/** The same step, but for bypasses. */
export function resending(step: Step): Step {
  return (state, event) => {
    const outcome = step(state, event);
    const bypassed = outcome[1].some(
      (effect) => effect.type === 'mint' && effect.why.endsWith('did not answer'),
    );
    const granted = outcome[1].some((effect) => effect.type === 'grant');
    return bypassed && !granted ? resend(state, outcome) : outcome;
  };
}
