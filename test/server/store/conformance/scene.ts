/** What the parts of the suite share: an engine's place, stores and processes on it, and watches that are awaited. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import type { Change, Row, Store, Write } from '../../../../server/store/store.js';
import type { Told } from './process.js';

/** An engine comes as a module too, so that processes of their own can open it. */
export interface EngineUnderTest {
  /** Exports `openStore`. */
  readonly module: URL;
  readonly openStore: (place: string) => Promise<Store>;
  /** An empty place, and how to remove it. */
  readonly makePlace: () => Promise<{ readonly place: string; readonly remove: () => Promise<void> }>;
}

/** Short enough to wait for its end, long enough to be renewed on a machine that is busy. */
export const leaseMs = 2_000;

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array) => new TextDecoder().decode(value);
export const put = (key: string, value = 'x'): Write => ({ type: 'put', key, value: bytes(value) });

export const keyOf = (change: Change) => (change.type === 'put' ? change.row.key : change.key);
export const revisionOf = (change: Change) => (change.type === 'put' ? change.row.revision : change.revision);
export const brief = (change: Change) => `${change.type} ${keyOf(change)}`;

export type Scene = ReturnType<typeof sceneOf>;

/** Everything is closed, killed and removed when its test ends. */
export function sceneOf(engine: EngineUnderTest) {
  async function inPlace(t: ExecutionContext): Promise<string> {
    const { place, remove } = await engine.makePlace();
    t.teardown(remove);
    return place;
  }

  async function openedAt(t: ExecutionContext, place: string): Promise<Store> {
    const store = await engine.openStore(place);
    t.teardown(() => store.close());
    return store;
  }

  const opened = async (t: ExecutionContext) => openedAt(t, await inPlace(t));

  /** A process at work on the place; resolves when it has opened the store. */
  async function start(t: ExecutionContext, place: string, ...task: string[]): Promise<ChildProcess> {
    const child = fork(new URL('./process.js', import.meta.url), [engine.module.href, place, ...task]);
    t.teardown(() => kill(child));
    await hear(child, 'ready');
    return child;
  }

  return { engine, inPlace, openedAt, opened, start };
}

export function kill(child: ChildProcess): void {
  child.kill('SIGKILL');
}

export async function hear(child: ChildProcess, type: Told['type']): Promise<void> {
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error(`the process ended before it told "${type}"`)));
  for (;;) {
    const [told] = (await once(child, 'message', { signal: ended.signal })) as [Told];
    if (told.type === type) return;
  }
}

export async function listAll(store: Store, prefix: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let after = ''; ;) {
    const page = await store.list({ prefix, after });
    if (page.length === 0) return rows;
    rows.push(...page);
    after = page.at(-1)!.key;
  }
}

export function watching(
  t: ExecutionContext,
  store: Pick<Store, 'watch'>,
  prefix: string,
  fromRevision?: number,
) {
  const controller = new AbortController();
  t.teardown(() => controller.abort());
  const options = { signal: controller.signal, ...(fromRevision === undefined ? {} : { fromRevision }) };
  const items = store.watch(prefix, options)[Symbol.asyncIterator]();
  async function next(): Promise<readonly Change[]> {
    const item = await items.next();
    if (item.done === true) throw new Error('the watch ended');
    return item.value;
  }
  async function take(count: number): Promise<readonly Change[]> {
    const taken: Change[] = [];
    while (taken.length < count) taken.push(...(await next()));
    return taken;
  }
  return { next, take };
}
