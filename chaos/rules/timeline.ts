/** A run as a picture (SVG): a lane for each that something was done to, below it a lane for each client. Pure. */
import { colours, svg, text } from '../../bench/harness/chart.js';
import type { Operation } from './history.js';
import type { Kind, Part } from './schedule.js';

const lane = { left: 120, width: 1_060, height: 22, top: 60 } as const;
const kinds: Readonly<Record<Kind, string>> = {
  kill: colours[1]!,
  stop: colours[5]!,
  cut: colours[3]!,
  slow: colours[7]!,
  full: colours[6]!,
  restart: colours[4]!,
};
const [fine, failed] = [colours[2]!, colours[1]!];
/** One mark for the operations of so long. */
const markMs = 1_000;

export function drawTimeline({
  parts,
  operations,
}: {
  readonly parts: readonly Part[];
  readonly operations: readonly Operation[];
}): string {
  const faults = parts.flatMap((part) => part.faults);
  const targets = [...new Set(faults.map(({ target }) => target))].sort();
  const clients = [...new Set(operations.map(({ client }) => client))].sort();
  const endMs = Math.max(1, ...parts.map(({ toMs }) => toMs), ...operations.map(({ endedMs }) => endedMs));
  const at = (ms: number): number => lane.left + (ms / endMs) * lane.width;
  const top = (row: number): number => lane.top + row * lane.height;
  const rows = targets.length + clients.length;
  const bars = faults.map(({ kind, target, atMs, forMs }) =>
    rectangle(at(atMs), top(targets.indexOf(target)) + 3, at(atMs + forMs) - at(atMs), 14, kinds[kind]),
  );
  const marks = clients.flatMap((client, index) => {
    const mine = operations.filter((operation) => operation.client === client);
    return marksOf(mine, endMs).map(({ fromMs, isFine }) =>
      rectangle(at(fromMs), top(targets.length + index) + 3, at(markMs) - at(0), 14, isFine ? fine : failed),
    );
  });
  return svg({ width: lane.left + lane.width + 20, height: top(rows) + 50 }, [
    text(lane.left, 22, 'What was done to whom, and whether operations succeeded', 'start', 15),
    ...Object.entries(kinds).map(([kind, colour], index) => legend(index, kind, colour)),
    legend(5, 'succeeded', fine),
    legend(6, 'some failed', failed),
    ...[...targets, ...clients].map((name, row) => text(lane.left - 8, top(row) + 15, name, 'end')),
    ...parts.map(({ name, fromMs }) => text(at(fromMs), top(rows) + 18, name, 'start', 10)),
    text(lane.left + lane.width, top(rows) + 38, `${(endMs / 1_000).toFixed(0)} s`, 'end'),
    ...bars,
    ...marks,
  ]);
}

/** Whether all went well in each span in which anything ended. */
function marksOf(operations: readonly Operation[], endMs: number) {
  return Array.from({ length: Math.ceil(endMs / markMs) }, (_, index) => {
    const fromMs = index * markMs;
    const then = operations.filter(({ endedMs }) => endedMs >= fromMs && endedMs < fromMs + markMs);
    return { fromMs, count: then.length, isFine: then.every(({ outcome }) => outcome.type !== 'maybe') };
  }).filter(({ count }) => count > 0);
}

function legend(index: number, name: string, colour: string): string {
  const x = lane.left + index * 110;
  return `${rectangle(x, 34, 14, 10, colour)}${text(x + 20, 43, name, 'start', 11)}`;
}

function rectangle(x: number, y: number, width: number, height: number, colour: string): string {
  return `<rect x="${x.toFixed(1)}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${height}" fill="${colour}"/>`;
}
