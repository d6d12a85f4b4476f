/** Work under way in a few words. */
import type { Progress } from '../engine.js';

export function progressText({ step, leader, fraction }: Progress): string {
  const where = leader !== undefined && leader !== '' ? ` at ${leader}` : '';
  const done = fraction !== undefined && fraction > 0 ? ` ${Math.floor(100 * Math.min(1, fraction))} %` : '';
  return `${step}${where}${done}`;
}
