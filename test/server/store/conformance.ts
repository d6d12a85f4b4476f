/** What every engine of the store must do: docs/architecture.md, "The store". */
import type { SerialFn } from 'ava';
import { leases } from './conformance/leases.js';
import { processes } from './conformance/processes.js';
import { rows } from './conformance/rows.js';
import { sceneOf } from './conformance/scene.js';
import type { EngineUnderTest } from './conformance/scene.js';
import { watches } from './conformance/watches.js';

export function conformance(test: SerialFn, engine: EngineUnderTest): void {
  const scene = sceneOf(engine);
  rows(test, scene);
  watches(test, scene);
  leases(test, scene);
  processes(test, scene);
}
