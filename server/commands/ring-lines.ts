/** The ring's state for people: a table for a terminal, a line for a file. */
import { styleText } from 'node:util';
import type { RingLines } from '../../core/ring-lines.js';

const barCells = 10;

/** Of two views with the same key a person would learn nothing new: loads sway all the time. */
export function changeKey(ring: RingLines): string {
  return JSON.stringify([
    ring.epoch,
    ring.servers.map(({ id, state, inFlight, granted }) => [id, state, inFlight, granted]),
  ]);
}

export function ringTable({ epoch, servers }: RingLines): string {
  const width = Math.max(...servers.map(({ id }) => id.length), 2);
  const head = `${'id'.padEnd(width)}  state     load              in flight  granted  epoch ${epoch}`;
  const lines = servers.map(({ id, state, load, inFlight, granted }) =>
    [
      id.padEnd(width),
      paint(state),
      `${bar(load)} ${load.toFixed(2).padStart(5)}`,
      String(inFlight).padStart(9),
      String(granted).padStart(7),
    ].join('  '),
  );
  return [styleText('dim', head), ...lines].join('\n');
}

export function ringLine({ epoch, servers }: RingLines): string {
  const told = servers.map(
    ({ id, state, inFlight, granted }) => `${id} ${state}, ${inFlight} in flight, ${granted} granted`,
  );
  return `epoch ${epoch}: ${told.join('; ')}`;
}

function bar(load: number): string {
  const full = Math.min(barCells, Math.max(0, Math.round(load * barCells)));
  return '█'.repeat(full) + styleText('dim', '░'.repeat(barCells - full));
}

function paint(state: string): string {
  const padded = state.padEnd(8);
  if (state === 'alive') return styleText('green', padded);
  return state === 'dead' ? styleText('red', padded) : styleText('yellow', padded);
}
