/** glimpse-server as a process, its JSON lines and its end. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

const program = fileURLToPath(new URL('../../../server/main.js', import.meta.url));

type Line = Readonly<Record<string, unknown>>;

export class Running {
  readonly child: ChildProcess;
  /** Resolves with the exit code; null if it was killed. */
  readonly ended: Promise<number | null>;
  /** All of standard error, when it ended. */
  readonly errors: Promise<string>;
  readonly #lines: AsyncIterator<string>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.ended = once(child, 'exit').then(([code]) => code as number | null);
    this.errors = text(child.stderr!);
    this.#lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** The next line of standard output that has this, skipping what has not. */
  async line(holds: (line: Line) => boolean = () => true): Promise<Line> {
    for (;;) {
      const next = await this.#lines.next();
      if (next.done === true) throw new Error(`it ended first: ${await this.errors}`);
      const line = JSON.parse(next.value) as Line;
      if (holds(line)) return line;
    }
  }

  /** Stops it as Ctrl-C would, and waits. */
  async stop(): Promise<number | null> {
    this.child.kill('SIGTERM');
    return this.ended;
  }
}

/** Starts `glimpse-server ...args`; it is killed when the test ends, if it still runs then. */
export function start(t: ExecutionContext, ...args: readonly string[]): Running {
  const running = new Running(
    spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  t.teardown(async () => {
    running.child.kill('SIGKILL');
    await running.ended;
  });
  return running;
}

export interface CloudLine {
  readonly joinCode: string;
  readonly servers: readonly {
    readonly id: string;
    readonly address: string;
    readonly enrolment: string;
    readonly pid: number;
  }[];
}

/** A cloud on free ports, ready. */
export async function startCloud(
  t: ExecutionContext,
  data: string,
  ...args: readonly string[]
): Promise<{ readonly cloud: Running; readonly ready: CloudLine }> {
  const cloud = start(t, 'cloud', '--json', '--port', '0', '--data', data, ...args);
  return { cloud, ready: (await cloud.line()) as unknown as CloudLine };
}
