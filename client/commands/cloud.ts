import { styleText } from 'node:util';
import { defineCommand } from './command.js';
import { Cannot } from './failure.js';
import { flag } from './read.js';
import type { RingLines } from '../../core/ring-lines.js';
import { table } from './table.js';

export const cloud = defineCommand({
  name: 'cloud',
  summary: 'the ring of servers',
  describe: (line) => line.option('--watch', 'go on until Ctrl-C'),
  examples: ['glimpse cloud', 'glimpse cloud --watch'],
  read: (typed) => ({ watch: flag(typed, 'watch') }),
  perform: async (engine, { watch }, { signal, state }): Promise<RingLines> => {
    // Loaded where it is performed: what reads the cloud's messages takes longest of all to load.
    const { ringLines } = await import('../../core/ring-lines.js');
    let last: RingLines | undefined;
    try {
      for await (const ring of engine.watchRing(signal)) {
        last = ringLines(ring);
        if (!watch) break;
        state(last);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    if (last) return last;
    throw new Cannot('NO_RING', 'the cloud said nothing about its ring', 'repeat the command');
  },
  draw: ({ epoch, servers }) =>
    table(
      ['id', 'state', 'load', 'cpu', 'in flight', 'granted', 'address'],
      servers.map(({ id, state, load, cpu, inFlight, granted, address }) => [
        id,
        state,
        load.toFixed(2),
        `${Math.round(100 * cpu)} %`,
        inFlight,
        granted,
        address,
      ]),
      'The ring is empty.',
    ) + styleText('dim', `\nepoch ${epoch}`),
});
