import test from 'ava';
import fc from 'fast-check';
import { check } from '../../../chaos/rules/check.js';
import type { Evidence, Violation } from '../../../chaos/rules/check.js';
import type { Answer, Ending, FinalLog, Operation, Outcome } from '../../../chaos/rules/history.js';
import { drawEvidence, grant } from './histories.js';

const seeds = fc.integer({ min: 1, max: 2 ** 30 });

test('an honest ledger is never accused, whatever answers were lost', (t) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      t.deepEqual(check(drawEvidence(seed, 60)), []);
    }),
    { numRuns: 60 },
  );
});

/** What was found after `spoil` changed the first operation for which it can. */
function found(
  t: { truthy(value: unknown, message?: string): boolean },
  spoil: (operation: Operation, rest: readonly Operation[]) => readonly Operation[] | undefined,
): readonly Violation['promise'][] {
  for (let seed = 1; seed < 100; seed += 1) {
    const { operations, ...rest } = drawEvidence(seed, 60);
    for (const [place, operation] of operations.entries()) {
      const spoiled = spoil(operation, operations.slice(place + 1));
      if (!spoiled) continue;
      const all = [...operations.slice(0, place), ...spoiled, ...operations.slice(place + 1)];
      return check({ operations: all, ...rest }).map(({ promise }) => promise);
    }
  }
  t.truthy(false, 'no operation could be spoiled');
  return [];
}

const isOk = <Type extends Answer['type']>(operation: Operation, type: Type) =>
  operation.outcome.type === 'ok' && operation.outcome.answer.type === type
    ? (operation.outcome.answer as Answer & { readonly type: Type })
    : undefined;

const answered = (operation: Operation, answer: Answer): Operation => ({
  ...operation,
  outcome: { type: 'ok', answer },
});

test('a view that was shown twice for one is found', (t) => {
  const promises = found(t, (operation) => (isOk(operation, 'viewed') ? [operation, operation] : undefined));
  t.true(promises.includes('the ledger is one'));
});

test('a view shown though none was left is found', (t) => {
  const promises = found(t, (operation) =>
    operation.outcome.type === 'refused'
      ? [answered(operation, { type: 'viewed', remaining: 0, digest: 'd' })]
      : undefined,
  );
  t.true(promises.includes('the ledger is one'));
});

test('a view refused though one was left is found', (t) => {
  const promises = found(t, (operation) =>
    (isOk(operation, 'viewed')?.remaining ?? 0) > 2
      ? [{ ...operation, outcome: { type: 'refused', reason: 'VIEWS_SPENT' } }]
      : undefined,
  );
  t.true(promises.includes('the ledger is one'));
});

test('an update that was acknowledged and undone by an older one is found', (t) => {
  const promises = found(t, (operation) => {
    const answer = isOk(operation, 'changed');
    return answer && !answer.revoked
      ? [operation, answered({ ...operation, action: { type: 'shared' } }, olderLook(answer))]
      : undefined;
  });
  t.true(promises.includes('the ledger is one'));

  function olderLook({ quota, version }: Answer & { readonly type: 'changed' }): Answer {
    const state = { grant, used: null, quota: quota + 1, revoked: false, version: version - 1 };
    return { type: 'given', grants: [{ ...state, taken: null, pending: false, delivered: true }] };
  }
});

const peaceful = (): Evidence => drawEvidence(7, 60);

/** What was found after the end was changed. */
function foundInEnd(change: (ending: Ending) => Partial<Ending>): readonly Violation['promise'][] {
  const evidence = peaceful();
  const ending = { ...evidence.ending, ...change(evidence.ending) };
  return [...new Set(check({ ...evidence, ending }).map(({ promise }) => promise))];
}

const withLog = (change: (log: FinalLog) => FinalLog) =>
  foundInEnd(({ logs }) => ({ logs: new Map([[grant, change(logs.get(grant)!)]]) }));

test('a log that lost an entry, or that was rewritten, is found', (t) => {
  const isView = ({ event }: { event: string }): boolean => event === 'view';
  const isUpdate = ({ event }: { event: string }): boolean => event === 'update';
  const without = (log: FinalLog, is: typeof isView): FinalLog => {
    const at = log.events.findIndex(is);
    return { ...log, events: log.events.filter((_, place) => place !== at) };
  };
  t.true(withLog((log) => without(log, isView)).includes('the log is whole'));
  t.true(withLog((log) => without(log, isUpdate)).includes('no update is lost or undone'));
  t.deepEqual(
    withLog((log) => ({ ...log, flaw: 'entry 3 was changed' })),
    ['the log is whole'],
  );
  t.deepEqual(
    foundInEnd(() => ({ logs: new Map() })),
    ['the log is whole'],
  );
});

test('a view charged when none was left, and one charged twice, are found', (t) => {
  const spend = (log: FinalLog, view: string): FinalLog => ({
    ...log,
    events: [...log.events, { event: 'view', version: 1, remaining: 0, view }],
  });
  t.true(
    withLog((log) =>
      spend({ ...log, events: log.events.map((each) => ({ ...each, remaining: 0 })) }, 'x'),
    ).includes('no view beyond the quota'),
  );
  const known = peaceful()
    .ending.logs.get(grant)!
    .events.find(({ view }) => view !== '')!.view;
  t.true(withLog((log) => spend(log, known)).includes('the ledger is one'));
});

test('a picture that was acknowledged and is not there is found', (t) => {
  const gone = foundInEnd(({ held }) => ({
    held: new Map([[grant, { ...held.get(grant)!, isThere: false }]]),
  }));
  t.deepEqual(gone, ['no picture is lost']);
  t.true(foundInEnd(() => ({ held: new Map() })).includes('no picture is lost'));
});

test('a picture that does not open in the end, or that nobody could look at, is found', (t) => {
  const opened = (outcome: Outcome | undefined) =>
    foundInEnd(() => ({ opened: new Map([[grant, outcome]]) }));
  t.deepEqual(opened({ type: 'maybe', why: 'BAD_CARRIER: it is damaged' }), ['no picture is lost']);
  t.deepEqual(opened({ type: 'ok', answer: { type: 'viewed', remaining: 0 } }), ['no picture is lost']);
  t.deepEqual(opened(undefined), ['no picture is lost']);
});

test('an update that did not arrive is found', (t) => {
  const late = foundInEnd(({ held }) => ({
    held: new Map([[grant, { ...held.get(grant)!, version: 1 }]]),
  }));
  t.deepEqual(late, ['every update is delivered']);
  const pending = foundInEnd(({ given }) => ({
    given: new Map([[grant, { ...given.get(grant)!, pending: true }]]),
  }));
  t.true(pending.includes('every update is delivered'));
});

test('another photo than the one that was shared is found', (t) => {
  const promises = found(t, (operation) => {
    const answer = isOk(operation, 'viewed');
    return answer && [answered(operation, { ...answer, digest: 'another' })];
  });
  t.deepEqual(promises, ['the photo is the photo']);
});

test('what ended by itself is told, and what failed while servers were restarted in good order', (t) => {
  t.deepEqual(
    foundInEnd(() => ({ mishaps: ['s1 ended by itself'] })),
    ['nothing ends by itself'],
  );
  const evidence = peaceful();
  const lost = evidence.operations.filter(({ outcome }) => outcome.type === 'maybe');
  const restarted = (toMs: number, calmUntilMs: number) =>
    check({ ...evidence, rolling: [{ fromMs: 0, toMs, calmUntilMs }] }).length;
  t.is(restarted(Infinity, Infinity), lost.length);
  t.true(lost.length > 0);
  const [first] = lost as [Operation, ...Operation[]];
  t.is(restarted(first.beganMs, Infinity), 1, 'begun within it, and ended after it');
  t.is(restarted(first.beganMs, first.beganMs), 0, 'ended when other things were wrong');
});

test('what a viewer holds never becomes older', (t) => {
  const evidence = peaceful();
  const look = (number: number, version: number): Operation => ({
    ...{ number, client: 'bob', action: { type: 'inbox' }, beganMs: number, endedMs: number },
    outcome: { type: 'ok', answer: { type: 'held', grants: [{ grant, version, isThere: true }] } },
  });
  const found = check({ ...evidence, operations: [...evidence.operations, look(9_000, 3), look(9_001, 2)] });
  t.deepEqual(
    found.map(({ promise }) => promise),
    ['no update is lost or undone'],
  );
});
