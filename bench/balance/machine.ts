/**
 * A simulated server: hidings share its cores, and others take some of them away. A hiding uses one core at most;
 * its work is in milliseconds of a core of speed 1.
 */
import type { Agenda } from '../../server/election/simulator/agenda.js';

export interface Built {
  readonly cores: number;
  readonly speed: number;
}

interface Job {
  /** Where the clock of work must be for it to be done. */
  readonly doneAt: number;
  readonly done: () => void;
}

/** CPU time used so far, in core-milliseconds. */
export interface Used {
  readonly ownMs: number;
  readonly othersMs: number;
}

export class Machine implements Built {
  readonly index: number;
  readonly cores: number;
  readonly speed: number;
  readonly #agenda: Agenda;
  /** In the order in which they will be done: all progress alike. */
  readonly #jobs: Job[] = [];
  /** The clock of work: what a job that was here from the beginning would have got, in ms of speed 1. */
  #work = 0;
  #atMs = 0;
  #others = 0;
  #ownMs = 0;
  #othersMs = 0;
  #turn = 0;

  constructor(agenda: Agenda, index: number, { cores, speed }: Built) {
    this.#agenda = agenda;
    this.index = index;
    this.cores = cores;
    this.speed = speed;
  }

  get inFlight(): number {
    return this.#jobs.length;
  }

  /** Cores that others use now. */
  set others(cores: number) {
    this.#advance();
    this.#others = cores;
    this.#schedule();
  }

  get free(): number {
    return this.cores - this.#others;
  }

  used(): Used {
    this.#advance();
    return { ownMs: this.#ownMs, othersMs: this.#othersMs };
  }

  begin(workMs: number, done: () => void): void {
    this.#advance();
    const job: Job = { doneAt: this.#work + workMs, done };
    let place = this.#jobs.length;
    while (place > 0 && this.#jobs[place - 1]!.doneAt > job.doneAt) place -= 1;
    this.#jobs.splice(place, 0, job);
    this.#schedule();
  }

  /**
   * How much longer all hidings here would take together if one of so much work began now and nothing else came:
   * its own time, and what it costs the others. `coming`: the work of hidings that are on their way here.
   */
  wouldCostMs(workMs: number, coming: readonly number[]): number {
    this.#advance();
    const doneAt = this.#work + workMs;
    const ends = this.#jobs.map((job) => job.doneAt);
    if (coming.length > 0) {
      ends.push(...coming.map((comingMs) => this.#work + comingMs));
      ends.sort((a, b) => a - b);
    }
    let work = this.#work;
    let costMs = 0;
    for (let ended = 0; ; ended++) {
      const next = Math.min(ends[ended] ?? Infinity, doneAt);
      const others = ends.length - ended;
      const withMs = (next - work) / this.#rate(others + 1);
      const withoutMs = others === 0 ? 0 : (next - work) / this.#rate(others);
      costMs += withMs + others * (withMs - withoutMs);
      work = next;
      if (next === doneAt) return costMs;
    }
  }

  /** Work done for each of so many jobs, per ms. */
  #rate(jobs: number): number {
    return Math.min(1, this.free / jobs) * this.speed;
  }

  #advance(): void {
    const elapsedMs = this.#agenda.nowMs - this.#atMs;
    this.#atMs = this.#agenda.nowMs;
    this.#othersMs += elapsedMs * this.#others;
    if (this.#jobs.length === 0) return;
    this.#work += elapsedMs * this.#rate(this.#jobs.length);
    this.#ownMs += elapsedMs * Math.min(this.#jobs.length, this.free);
  }

  #schedule(): void {
    this.#turn += 1;
    const turn = this.#turn;
    const first = this.#jobs[0];
    if (!first) return;
    const inMs = Math.max(0, first.doneAt - this.#work) / this.#rate(this.#jobs.length);
    this.#agenda.after(inMs, () => {
      if (turn === this.#turn) this.#finish(first);
    });
  }

  #finish(job: Job): void {
    this.#advance();
    this.#jobs.shift();
    this.#schedule();
    job.done();
  }
}
