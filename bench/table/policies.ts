/**
 * Whom to elect, other than the ring's way: what it is measured against. They run in the place of `leastLoaded`, so
 * everything else, the token too, is the product's. What they remember, each server remembers for itself, as a
 * balancer of its own would.
 */
import type { Load } from '../../gen/glimpse/v1/election_pb.js';
import { candidates, leastLoaded } from '../../server/election/ring/load.js';
import type { Choose } from '../../server/election/ring/state.js';

/** How old the figures of `cpu` get. */
const staleMs = 1000;

/** The policies by name; `none:s1` sends everything to s1. */
export function policyNamed(name: string, nowMs: () => number, random: () => number): Choose {
  const [kind, server] = name.split(':');
  switch (kind) {
    case 'ring':
      return leastLoaded;
    case 'none':
      return (state, rows, last) => candidates(state, rows, last).find(({ id }) => id === server)?.id;
    case 'robin':
      return (state, rows, last) => candidates(state, rows, last)[0]?.id;
    case 'random':
      return (state, rows, last) => {
        const some = candidates(state, rows, last);
        return some[Math.floor(random() * some.length)]?.id;
      };
    case 'cpu':
      return lowestCpu(nowMs);
    default:
      throw new Error(`${name} is no policy: choose among none, robin, random, cpu and ring`);
  }
}

/** The lowest share of CPU in use, as it was up to a second ago; of those that tie, the next after the last leader. */
function lowestCpu(nowMs: () => number): Choose {
  let seen: readonly Load[] = [];
  let seenAtMs = -Infinity;
  return (state, rows, last) => {
    if (nowMs() - seenAtMs >= staleMs) {
      seen = rows;
      seenAtMs = nowMs();
    }
    const cpuOf = (id: string): number => seen.find((row) => row.id === id)?.cpu ?? 0;
    const [first, ...others] = candidates(state, rows, last);
    return others.reduce((best, row) => (best && cpuOf(row.id) < cpuOf(best.id) ? row : best), first)?.id;
  };
}
