import type { GrantLogLines, LogLine } from '../engine.js';
import { defineCommand } from './command.js';
import { Cannot } from './failure.js';
import { flag, word } from './read.js';
import { plural, shortId, table, timeText } from './table.js';

/** With --verify the proof comes with the lines. */
type Told = GrantLogLines['lines'] | Pick<GrantLogLines, 'lines' | 'head'>;

export const log = defineCommand({
  name: 'log',
  summary: "a grant's log: grants, updates, deliveries, views, refusals",
  describe: (line) =>
    line
      .argument('<grant>', 'from glimpse shared or glimpse inbox')
      .option('--verify', 'prove that the servers rewrote nothing that was seen before'),
  examples: ['glimpse log 3f2a', 'glimpse log 3f2a --verify'],
  read: (typed) => ({ grant: word(typed, 0), verify: flag(typed, 'verify') }),
  perform: async (engine, { grant, verify }): Promise<Told> => {
    const { lines, head, intact, extendsSeen } = await engine.log(grant);
    if (!verify) return lines;
    if (!intact)
      throw broken('the chain that the servers tell is not the one over the entries that they tell');
    if (!extendsSeen) throw broken('the log does not go on from the head that was seen here before');
    return { lines, head };
  },
  draw: (told) => {
    const lines = 'head' in told ? told.lines : told;
    const listed = table(
      ['time', 'event', 'by', 'version', 'left'],
      lines.map((line) => [timeText(line.time), eventText(line), line.by, line.version, line.remaining]),
      'The log is empty.',
    );
    return 'head' in told
      ? `${listed}\n${plural(lines.length, 'entry', 'entries')}, unbroken, head ${shortId(told.head)}`
      : listed;
  },
});

function eventText({ event, reason, count }: LogLine): string {
  return [
    event,
    ...(count === undefined ? [] : [`x ${count}`]),
    ...(reason === undefined ? [] : [reason]),
  ].join(' ');
}

function broken(message: string): Cannot {
  return new Cannot('LOG_BROKEN', message, 'keep what you have and talk to whoever runs the cloud');
}
