/** What a run comes to: for programs as JSON, for people as a few lines. */
import type { Machine } from '../bench/harness/machine.js';
import type { Violation } from './rules/check.js';
import type { Operation } from './rules/history.js';
import type { Part } from './rules/schedule.js';
import type { Outcome } from './run.js';

export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly store: 'sqlite' | 'etcd';
  readonly servers: number;
  readonly clients: number;
  readonly operations: number;
  /** With an answer, also where it was that no view is left. */
  readonly succeeded: number;
  readonly faults: number;
  readonly violations: readonly Violation[];
  /** Share of the operations that succeeded, by part; looks at what one has need no cloud, and are left out. */
  readonly availability: Readonly<Partial<Record<Part['name'], Share>>>;
  readonly firstGrants: Outcome['firstGrants'];
  /** Why operations failed, and how often. */
  readonly failures: Readonly<Record<string, number>>;
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
}

interface Share {
  readonly operations: number;
  readonly succeeded: number;
  /** Of those: accepted, and done when the other side is back. Pictures in the outbox, changes the ledger lacks. */
  readonly deferred: number;
  readonly percent: number;
}

export function reportOf(
  { operations, violations, parts, firstGrants }: Outcome,
  about: Pick<Report, 'seed' | 'minutes' | 'store' | 'servers' | 'clients' | 'date' | 'commit' | 'machine'>,
): Report {
  const { seed, minutes, store, servers, clients, ...provenance } = about;
  const named = (name: Part['name']) => parts.filter((part) => part.name === name);
  const during = (name: Part['name']) =>
    shareOf(operations.filter((each) => needsOthers(each) && isDuring(each, named(name))));
  const { operations: count, succeeded } = shareOf(operations);
  return {
    ...{ seed, minutes, store, servers, clients, operations: count, succeeded },
    faults: parts.reduce((sum, { faults }) => sum + faults.length, 0),
    violations,
    availability: { mixed: during('mixed'), rotation: during('rotation'), rolling: during('rolling') },
    firstGrants,
    failures: failuresOf(operations),
    ...provenance,
  };
}

const needsOthers = ({ action }: Operation): boolean => action.type !== 'shared' && action.type !== 'inbox';

/** Begun then: what was still under way from the part before has its faults. */
function isDuring({ beganMs }: Operation, parts: readonly Part[]): boolean {
  return parts.some(({ fromMs, toMs }) => beganMs >= fromMs && beganMs < toMs);
}

function shareOf(operations: readonly Operation[]): Share {
  const succeeded = operations.filter(({ outcome }) => outcome.type !== 'maybe').length;
  const deferred = operations.filter(isDeferred).length;
  const percent = operations.length === 0 ? 100 : (100 * succeeded) / operations.length;
  return {
    ...{ operations: operations.length, succeeded, deferred },
    percent: Math.round(percent * 1_000) / 1_000,
  };
}

function isDeferred({ outcome }: Operation): boolean {
  if (outcome.type !== 'ok') return false;
  const { answer } = outcome;
  return (answer.type === 'granted' && !answer.delivered) || (answer.type === 'changed' && answer.pending);
}

function failuresOf(operations: readonly Operation[]): Record<string, number> {
  const failures: Record<string, number> = {};
  for (const { action, outcome } of operations) {
    if (outcome.type !== 'maybe') continue;
    const why = `${action.type}: ${outcome.why.split(':', 1)[0]!}`;
    failures[why] = (failures[why] ?? 0) + 1;
  }
  return failures;
}

export function inWords(report: Report): string {
  const { operations, succeeded, violations, availability, firstGrants, seed } = report;
  return [
    `seed ${seed}: ${operations} operations, ${succeeded} succeeded, ${report.faults} faults, ${violations.length} violations`,
    ...Object.entries(availability).map(
      ([part, { percent, operations: count, deferred }]) =>
        `${part}: ${percent} % of ${count} operations succeeded, ${deferred} of them for when the other side is back`,
    ),
    ...Object.entries(firstGrants).map(
      ([kind, { medianMs, count }]) => `first grant after ${kind}: ${medianMs} ms (median of ${count})`,
    ),
    ...Object.entries(report.failures).map(([why, count]) => `failed ${count} times: ${why}`),
    ...violations.map(
      ({ promise, grant, what }) => `\nVIOLATION: ${promise}${grant ? ` (${grant})` : ''}\n${what}`,
    ),
    '',
  ].join('\n');
}
