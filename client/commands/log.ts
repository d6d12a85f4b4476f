import { writeFile } from 'node:fs/promises';
import { EXIT } from '../../core/rpc/errors.js';
import type { GrantLogLines, LogLine } from '../engine.js';
import { defineCommand } from './command.js';
import { filePath, flag, text, word } from './read.js';
import { plural, shortId, table, timeText } from './table.js';

/** With --verify or --export the proof comes with the lines. */
interface Proven extends GrantLogLines {
  readonly verify: boolean;
  /** The file that was written; null: none. */
  readonly exported: string | null;
}
type Told = GrantLogLines['lines'] | Proven;

export const log = defineCommand({
  name: 'log',
  summary: "a grant's log: grants, updates, deliveries, views, refusals",
  describe: (line) =>
    line
      .argument('<grant>', 'from glimpse shared or glimpse inbox')
      .option('--verify', 'prove that nothing that was seen here before was removed, moved or changed')
      .option('--export <file>', 'write the entries and the heads seen to a file, to be verified elsewhere'),
  examples: ['glimpse log 3f2a', 'glimpse log 3f2a --verify', 'glimpse log 3f2a --export bob.log.json'],
  details:
    'Each entry is chained to those before it, and this vault remembers the heads of the chain that it has seen.\n' +
    'With --verify a log that was rewritten ends with exit code 1 and says where. The export follows docs/format.md, "Log".',
  read: (typed) => {
    const file = text(typed, 'export');
    return {
      grant: word(typed, 0),
      verify: flag(typed, 'verify'),
      file: file === undefined ? null : filePath(typed, file),
    };
  },
  perform: async (engine, { grant, verify, file }): Promise<Told> => {
    const told = await engine.log(grant);
    if (file !== null) await writeFile(file, `${JSON.stringify(exportOf(told), undefined, 1)}\n`);
    return verify || file !== null ? { ...told, verify, exported: file } : told.lines;
  },
  draw: (told) => {
    if (!('lines' in told)) return listed(told);
    return [
      listed(told.lines),
      ...(told.verify ? [proofText(told)] : []),
      ...(told.exported === null ? [] : [`Written to ${told.exported}`]),
    ].join('\n');
  },
  failure: (told) => {
    if (!('lines' in told) || !told.verify || told.flaw === null) return undefined;
    return {
      reason: 'LOG_BROKEN',
      message: `The log was rewritten: ${told.flaw.message}`,
      next: 'export it with --export as evidence, and talk to whoever runs the cloud',
      exit: EXIT.failed,
    };
  },
});

/** docs/format.md, "Log". */
function exportOf({ grant, entries, head, seen }: GrantLogLines) {
  return { format: 'glimpse/v1 log', grant, entries, head, seen };
}

function listed(lines: readonly LogLine[]): string {
  return table(
    ['time', 'event', 'by', 'version', 'left'],
    lines.map((line) => [timeText(line.time), eventText(line), line.by, line.version, line.remaining]),
    'The log is empty.',
  );
}

function proofText({ entries, seen, head, flaw }: GrantLogLines): string {
  if (flaw !== null) return `Broken: ${flaw.message}.`;
  const against = `proven against ${plural(seen.length, 'head')} seen here`;
  return `${plural(entries.length, 'entry', 'entries')}, unbroken, ${against}, head ${shortId(head)}`;
}

function eventText({ event, reason, count }: LogLine): string {
  return [
    event,
    ...(count === undefined ? [] : [`x ${count}`]),
    ...(reason === undefined ? [] : [reason]),
  ].join(' ');
}
