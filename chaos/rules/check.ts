/** What a run must not have done, found in its history and its end. Pure. docs/reliability.md, "What is checked". */
import type { Answer, Begun, Ending, FinalLog, GivenState, HeldState, Operation } from './history.js';
import { describe } from './history.js';
import { unexplainedGrant } from './ledger.js';

/** A promise that was broken. */
export interface Violation {
  readonly promise:
    | 'the ledger is one'
    | 'no view beyond the quota'
    | 'no update is lost or undone'
    | 'no picture is lost'
    | 'every update is delivered'
    | 'the log is whole'
    | 'the photo is the photo'
    | 'a rolling restart fails nobody'
    | 'nothing ends by itself';
  readonly grant?: string;
  /** Sentences, and operations one a line. */
  readonly what: string;
}

/** ms since the run began. */
export interface Rolling {
  readonly fromMs: number;
  readonly toMs: number;
  /** And nothing went wrong until then: what was begun before `toMs` had time to end. */
  readonly calmUntilMs: number;
}

export interface Evidence {
  readonly operations: readonly Operation[];
  readonly ending: Ending;
  /** By owner and photo: what is to be shown. */
  readonly digests: ReadonlyMap<string, string>;
  /** While servers were restarted in good order, and nothing else was wrong. */
  readonly rolling: readonly Rolling[];
}

export function check({ operations, ending, digests, rolling }: Evidence): readonly Violation[] {
  const concerning = byGrant(operations);
  return [
    ...[...begunIn(operations).values()].flatMap((begun) => {
      const its = concerning.get(begun.grant) ?? [];
      return [
        ...checkLedger(begun, its, ending.given.get(begun.grant)),
        ...checkLog(begun, its, ending),
        ...checkEnd(begun, its, ending),
        ...checkShown(begun, its, digests.get(`${begun.owner}/${begun.photo}`)),
        ...checkOpened(begun, ending),
      ];
    }),
    ...checkVersions(operations),
    ...checkRolling(operations, rolling),
    ...ending.mishaps.map((what): Violation => ({ promise: 'nothing ends by itself', what })),
  ];
}

/** Those that are about a grant, or say something of it; of a look at everything, what it says of this one. */
function byGrant(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  const concerning = new Map<string, Operation[]>();
  const add = (grant: string, operation: Operation): void => {
    const its = concerning.get(grant);
    if (its) its.push(operation);
    else concerning.set(grant, [operation]);
  };
  for (const operation of operations) {
    const { action, outcome } = operation;
    const answer = outcome.type === 'ok' ? outcome.answer : undefined;
    if ('grant' in action) add(action.grant, operation);
    else if (answer?.type === 'granted') add(answer.begun.grant, operation);
    else if (answer?.type === 'given')
      for (const state of answer.grants)
        add(state.grant, saying(operation, { type: 'given', grants: [state] }));
    else if (answer?.type === 'held')
      for (const state of answer.grants)
        add(state.grant, saying(operation, { type: 'held', grants: [state] }));
  }
  return concerning;
}

const saying = (operation: Operation, answer: Answer): Operation => ({
  ...operation,
  outcome: { type: 'ok', answer },
});

/** By its id; the first answer that told of it says how often it could be viewed. */
export function begunIn(operations: readonly Operation[]): ReadonlyMap<string, Begun> {
  const grants = new Map<string, Begun>();
  for (const { outcome } of operations) {
    if (outcome.type !== 'ok' || outcome.answer.type !== 'granted') continue;
    const { begun } = outcome.answer;
    if (!grants.has(begun.grant)) grants.set(begun.grant, begun);
  }
  return grants;
}

function checkLedger(
  begun: Begun,
  operations: readonly Operation[],
  last: GivenState | undefined,
): readonly Violation[] {
  const stuck = unexplainedGrant(begun, operations, last);
  if (stuck === undefined) return [];
  const history = operations.filter((each) => concerns(each, begun.grant)).map(describe);
  const what = [`No order of these explains:`, ...stuck, 'All that was done with it:', ...history].join('\n');
  return [{ promise: 'the ledger is one', grant: begun.grant, what }];
}

const concerns = ({ action, outcome }: Operation, grant: string): boolean =>
  ('grant' in action && action.grant === grant) ||
  (outcome.type === 'ok' && outcome.answer.type === 'granted' && outcome.answer.begun.grant === grant);

function checkLog({ grant }: Begun, operations: readonly Operation[], { logs, given }: Ending): Violation[] {
  const log = logs.get(grant);
  if (log === undefined)
    return [{ promise: 'the log is whole', grant, what: 'It could not be read in the end.' }];
  return [
    ...(log.flaw === null ? [] : [{ promise: 'the log is whole', grant, what: log.flaw } as const]),
    ...checkCount(grant, log, given.get(grant)),
    ...checkUpdatesLogged(grant, log, operations),
  ];
}

/** The log counts: from entry to entry, views are what went down, and each view is charged once. */
function checkCount(grant: string, { events }: FinalLog, last: GivenState | undefined): Violation[] {
  const views = events.filter(({ event }) => event === 'view').map(({ view }) => view);
  const beyond = events.filter(({ event, remaining }, place) => {
    const left = events[place - 1]?.remaining ?? 0;
    return event === 'view' && (left < 1 || remaining !== left - 1);
  });
  return [
    ...wrong(
      last?.used !== views.length,
      'the log is whole',
      `${views.length} views are logged, ${last?.used} counted.`,
    ),
    ...wrong(
      new Set(views).size < views.length,
      'the ledger is one',
      `A view was charged twice: ${views.join(', ')}.`,
    ),
    ...wrong(
      beyond.length > 0,
      'no view beyond the quota',
      `Charged when none was left: ${JSON.stringify(events)}`,
    ),
  ];

  function wrong(isWrong: boolean, promise: Violation['promise'], what: string): Violation[] {
    return isWrong ? [{ promise, grant, what }] : [];
  }
}

function checkUpdatesLogged(
  grant: string,
  { events }: FinalLog,
  operations: readonly Operation[],
): readonly Violation[] {
  const versions = events
    .filter(({ event }) => event === 'grant' || event === 'update')
    .map(({ version }) => version);
  const isInOrder = versions.every((version, place) => version === place + 1);
  const missing = operations.filter(({ action, outcome }) => {
    if (action.type !== 'change' || action.grant !== grant || outcome.type !== 'ok') return false;
    const { answer } = outcome;
    return answer.type === 'changed' && !answer.pending && !versions.includes(answer.version);
  });
  return [
    ...(isInOrder ? [] : [lost(grant, `Versions are logged as ${versions.join(', ')}.`)]),
    ...missing.map((each) => lost(grant, `It was acknowledged and is not in the log: ${describe(each)}`)),
  ];
}

const lost = (grant: string, what: string): Violation => ({
  promise: 'no update is lost or undone',
  grant,
  what,
});

/** When nothing is broken any more, everybody has what was promised. */
function checkEnd(begun: Begun, operations: readonly Operation[], { given, held }: Ending): Violation[] {
  const { grant } = begun;
  const [last, holding] = [given.get(grant), held.get(grant)];
  if (last === undefined) return [lost(grant, `${begun.owner} has forgotten it.`)];
  const violations: Violation[] = missed(grant, operations);
  if (!operations.some((each) => delivers(each, grant)) && !last.delivered) {
    violations.push({ promise: 'no picture is lost', grant, what: `It never came to ${begun.viewer}.` });
  } else if (!holding?.isThere) {
    violations.push({
      promise: 'no picture is lost',
      grant,
      what: `${begun.viewer} acknowledged it, and has it no more.`,
    });
  }
  if (last.pending || last.taken !== last.version || (holding && holding.version !== last.version)) {
    const what = `${begun.owner} signed version ${last.version}, ${begun.viewer} has ${holding?.version ?? 'none'}, the cloud knows of ${last.taken}${last.pending ? ', and more waits' : ''}.`;
    violations.push({ promise: 'every update is delivered', grant, what });
  }
  return violations;
}

/** Views of a picture that was acknowledged and is not known any more. */
function missed(grant: string, operations: readonly Operation[]): Violation[] {
  const delivered = operations.find((each) => delivers(each, grant));
  if (!delivered) return [];
  return operations
    .filter(({ action, outcome, beganMs }) => {
      const isUnknown = outcome.type === 'refused' && outcome.reason === 'UNKNOWN_GRANT';
      return isUnknown && 'grant' in action && action.grant === grant && beganMs > delivered.endedMs;
    })
    .map((each) => ({ promise: 'no picture is lost', grant, what: describe(each) }));
}

function delivers({ outcome }: Operation, grant: string): boolean {
  if (outcome.type !== 'ok' || outcome.answer.type !== 'granted') return false;
  return outcome.answer.begun.grant === grant && outcome.answer.delivered;
}

function checkShown(begun: Begun, operations: readonly Operation[], digest: string | undefined): Violation[] {
  return operations.flatMap((operation): Violation[] => {
    const { action, outcome } = operation;
    if (action.type !== 'view' || action.grant !== begun.grant || outcome.type !== 'ok') return [];
    const { answer } = outcome;
    const isRight = answer.type !== 'viewed' || answer.digest === undefined || answer.digest === digest;
    return isRight
      ? []
      : [{ promise: 'the photo is the photo', grant: begun.grant, what: describe(operation) }];
  });
}

/** What was opened in the end showed its photo, which somebody looked at. */
function checkOpened({ grant }: Begun, { opened }: Ending): Violation[] {
  if (!opened.has(grant)) return [];
  const outcome = opened.get(grant);
  const answer = outcome?.type === 'ok' ? outcome.answer : undefined;
  if (answer?.type === 'viewed' && answer.digest !== undefined) return [];
  const what = `It did not open in the end: ${JSON.stringify(outcome)}`;
  return [{ promise: 'no picture is lost', grant, what }];
}

/** What a viewer holds never becomes older. Looks that overlap say nothing about each other. */
function checkVersions(operations: readonly Operation[]): readonly Violation[] {
  const looks = operations.flatMap(({ client, beganMs, endedMs, outcome }) =>
    outcome.type === 'ok' && outcome.answer.type === 'held'
      ? [{ client, beganMs, endedMs, grants: outcome.answer.grants }]
      : [],
  );
  const newest = new Map<string, HeldState & { readonly endedMs: number }>();
  const violations: Violation[] = [];
  for (const { client, beganMs, endedMs, grants } of looks) {
    for (const state of grants) {
      const before = newest.get(state.grant);
      if (before && before.version > state.version && before.endedMs < beganMs)
        violations.push(
          lost(state.grant, `${client} had version ${before.version}, and later ${state.version}.`),
        );
      if (!before || before.version <= state.version) newest.set(state.grant, { ...state, endedMs });
    }
  }
  return violations;
}

function checkRolling(operations: readonly Operation[], rolling: readonly Rolling[]): readonly Violation[] {
  const isWithin = ({ beganMs, endedMs }: Operation): boolean =>
    rolling.some(
      ({ fromMs, toMs, calmUntilMs }) => beganMs >= fromMs && beganMs <= toMs && endedMs <= calmUntilMs,
    );
  return operations
    .filter((each) => each.outcome.type === 'maybe' && isWithin(each))
    .map((each) => ({ promise: 'a rolling restart fails nobody', what: describe(each) }));
}
