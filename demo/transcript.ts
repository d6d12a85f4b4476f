/** What the demo tells while it goes: for people line by line, for programs an object a step. */
import { styleText } from 'node:util';
import type { Ended } from './person.js';

/** Something the demo claims did not hold. */
export class DidNotHold extends Error {
  override readonly name = 'DidNotHold';
}

interface Told {
  readonly step: number;
  readonly title: string;
  held: boolean;
  readonly checks: string[];
  readonly commands: { who: string; command: string; exit: number; tookMs: number }[];
  readonly files: Record<string, string>;
  error?: string;
  tookMs: number;
}

export class Transcript {
  readonly #json: boolean;
  readonly #write: (text: string) => void;
  readonly #aside: (text: string) => void;
  readonly #begunMs = Date.now();
  #now: Told | undefined;
  #steps = 0;
  #checks = 0;

  constructor(json: boolean, write: (text: string) => void, aside: (text: string) => void) {
    this.#json = json;
    this.#write = write;
    this.#aside = aside;
  }

  /** Tells of `act`; what it throws is told and thrown on. */
  async step<Result>(title: string, act: () => Promise<Result>): Promise<Result> {
    const begunMs = Date.now();
    this.#steps += 1;
    const told: Told = {
      step: this.#steps,
      title,
      held: true,
      checks: [],
      commands: [],
      files: {},
      tookMs: 0,
    };
    this.#now = told;
    this.#say(`\n${styleText('bold', `${told.step}. ${title}`)}`);
    try {
      return await act();
    } catch (error) {
      told.held = false;
      told.error = error instanceof Error ? error.message : String(error);
      this.#say(`   ${styleText('red', '✗')} ${told.error}`);
      throw error;
    } finally {
      told.tookMs = Date.now() - begunMs;
      if (this.#json) this.#write(`${JSON.stringify(told)}\n`);
    }
  }

  /** @throws DidNotHold */
  check(claim: string, holds: boolean, otherwise?: unknown): void {
    if (!holds)
      throw new DidNotHold(`${claim}${otherwise === undefined ? '' : `: ${JSON.stringify(otherwise)}`}`);
    this.#checks += 1;
    this.#now?.checks.push(claim);
    this.#say(`   ${styleText('green', '✓')} ${claim}`);
  }

  /** Where a picture lies. */
  file(what: string, file: string): void {
    if (this.#now) this.#now.files[what] = file;
    this.#say(`   ${styleText('cyan', '→')} ${what}: ${file}`);
  }

  note(text: string): void {
    this.#say(`   ${text}`);
  }

  command(who: string, words: readonly string[], { exit, tookMs }: Ended): void {
    const command = `glimpse ${words.map(shortened).join(' ')}`;
    this.#now?.commands.push({ who, command, exit, tookMs });
    const ended = exit === 0 ? '' : `  exit ${exit}`;
    this.#say(styleText('dim', `   ${who}$ ${command}${ended}  ${seconds(tookMs)}`));
  }

  /** Beside the steps: with --json it is for the person who looks on. */
  end(text: string): void {
    if (this.#json) this.#aside(`${text}\n`);
    else this.#say(`\n${text}`);
  }

  get summary(): string {
    return `${this.#steps} steps, ${this.#checks} checks, ${seconds(Date.now() - this.#begunMs)}`;
  }

  #say(line: string): void {
    if (!this.#json) this.#write(`${line}\n`);
  }
}

const wordMax = 60;

function shortened(word: string): string {
  return word.length > wordMax ? `…${word.slice(-wordMax)}` : word;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
