/** What is said of members, in whatever order and by whomever, ends in the same picture. */
import test from 'ava';
import fc from 'fast-check';
import { create } from '@bufbuild/protobuf';
import { MemberSchema, MemberState } from '../../../../gen/glimpse/v1/election_pb.js';
import type { Member } from '../../../../gen/glimpse/v1/election_pb.js';
import { liesBetween, memberOf, merge } from '../../../../server/election/ring/members.js';
import type { State } from '../../../../server/election/ring/state.js';
import { begin, step } from '../../../../server/election/ring/step.js';

const reading = { backgroundCores: 0, cores: 2, speed: 1, cpu: 0 };
const born = (): State => begin({ id: 'b', address: 'b:1', incarnation: 3, atMs: 0, reading, seed: 1 });

const said = fc
  .record({
    id: fc.constantFrom('a', 'c', 'd'),
    incarnation: fc.nat(3),
    state: fc.constantFrom(MemberState.ALIVE, MemberState.SUSPECT, MemberState.DEAD, MemberState.LEFT),
  })
  .map((one) => create(MemberSchema, { ...one, address: `${one.id}:1` }));

const picture = ({ members }: State) =>
  members.map(({ id, state, incarnation }) => ({ id, state, incarnation }));

test('the order of news does not matter, nor hearing them twice', (t) => {
  fc.assert(
    fc.property(
      fc
        .array(said, { maxLength: 12 })
        .chain((news) =>
          fc.tuple(
            fc.constant(news),
            fc.shuffledSubarray([...news, ...news], { minLength: 2 * news.length }),
          ),
        ),
      ([news, again]) => {
        t.deepEqual(picture(merge(born(), news)[0]), picture(merge(born(), again)[0]));
      },
    ),
  );
});

test('whatever is said of a member, it is alive to itself, and refutes with a higher incarnation', (t) => {
  fc.assert(
    fc.property(fc.array(said, { minLength: 1 }), (news) => {
      const own = news.map((one): Member => ({ ...one, id: 'b' }));
      const [after] = merge(born(), own, 'a');
      const self = memberOf(after, 'b')!;
      t.is(self.state, MemberState.ALIVE);
      for (const one of own.filter(({ state }) => state !== MemberState.ALIVE)) {
        t.true(self.incarnation > one.incarnation || one.incarnation < 3);
      }
    }),
  );
});

test('what lies between two on the way round', (t) => {
  t.true(liesBetween('b', 'a', 'c'));
  t.false(liesBetween('a', 'a', 'c'));
  t.false(liesBetween('c', 'a', 'c'));
  t.true(liesBetween('d', 'c', 'b'));
  t.true(liesBetween('a', 'c', 'b'));
  t.false(liesBetween('b', 'c', 'b'));
});

test('a stranger is not listened to', (t) => {
  const state = born();
  const message = { case: 'member', value: create(MemberSchema, { id: 'z', address: 'z:1' }) } as const;
  const [after, effects] = step(state, { type: 'message', from: 'y', message, atMs: 1 });
  t.deepEqual(effects, []);
  t.deepEqual(picture(after), picture(state));
});
