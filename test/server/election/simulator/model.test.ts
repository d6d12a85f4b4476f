/** Everything that can happen to a ring of three, within bounds that take seconds: `npm run sim -- --model` goes on. */
import test from 'ava';
import { step } from '../../../../server/election/ring/step.js';
import { explore } from '../../../../server/election/simulator/model.js';
import { resending } from './planted.js';

test('without faults two requests are granted in every order, and what must hold does', (t) => {
  const { states, depth, breach } = explore({ requests: 2, faults: 0 });
  t.is(breach, undefined);
  t.log(`${states} states, ${depth} events deep: all there are`);
  t.true(states > 100 && depth > 8);
});

test('with a broken link or a kill what must hold does', (t) => {
  const { states, breach, trace } = explore({ requests: 1, faults: 1, depthMax: 6 });
  t.is(breach, undefined, trace.join('\n'));
  t.log(`${states} states`);
  t.true(states > 2000);
});

test('a bypass that sends the token again is found out, by the shortest way to it', (t) => {
  const { breach, states, depth, trace } = explore({
    requests: 1,
    faults: 1,
    depthMax: 9,
    step: resending(step),
  });
  t.log(`${states} states, ${depth} events deep: ${breach}`);
  t.log(trace.join('\n'));
  t.regex(breach ?? '', /^two leaders for|hold the token at/);
  t.true(trace.length <= 7);
});
