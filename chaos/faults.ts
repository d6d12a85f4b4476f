/** Does to the town what the schedule says, undoes it when its time is over, and asks who grants meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Disk } from './disk.js';
import type { Fault, Kind, Part } from './rules/schedule.js';
import type { Town } from './town.js';

/** Longer than any target: a grant that takes longer counts as this long. */
const grantMs = 10_000;

/** From a fault of a server to the next grant at another one. */
export interface FirstGrant {
  readonly kind: Kind;
  readonly tookMs: number;
}

export class Faults {
  readonly firstGrants: FirstGrant[] = [];
  /** What was done, when it was done: undoing takes its time. */
  readonly played: Part[] = [];
  readonly #town: Town;
  readonly #now: () => number;
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<Fault>();

  /** @param now since the run began, ms */
  constructor(town: Town, now: () => number, signal: AbortSignal) {
    this.#town = town;
    this.#now = now;
    this.#signal = signal;
  }

  /** Resolves when everything that was done is undone. */
  async play(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      await this.#until(part.fromMs);
      // Whom a fault has just left alone may be on the way back, which a restart in good order is not to answer for.
      if (part.name === 'rolling') await this.#town.found();
      const lateMs = Math.max(0, this.#now() - part.fromMs);
      const [fromMs, toMs] = [part.fromMs + lateMs, part.toMs + lateMs];
      const late = part.faults.map((fault) => ({ ...fault, atMs: fault.atMs + lateMs }));
      const faults = await (part.name === 'mixed'
        ? Promise.all(late.map((each) => this.#one(each)))
        : this.#inTurn(late));
      await this.#until(toMs);
      this.played.push({ name: part.name, fromMs, toMs: this.#now(), faults });
    }
  }

  async #inTurn(faults: readonly Fault[]): Promise<readonly Fault[]> {
    const played: Fault[] = [];
    for (const fault of faults) played.push(await this.#one(fault));
    return played;
  }

  /** @returns the fault as it came to be */
  async #one(fault: Fault): Promise<Fault> {
    await this.#until(fault.atMs);
    if (this.#signal.aborted) return fault;
    const atMs = this.#now();
    const isAlone = this.#underWay.size === 0;
    this.#underWay.add(fault);
    await this.#begin(fault);
    const granting = isAlone ? this.#firstGrant(fault) : undefined;
    await this.#until(fault.atMs + fault.forMs);
    await this.#end(fault);
    this.#underWay.delete(fault);
    const forMs = this.#now() - atMs;
    await granting;
    return { ...fault, atMs, forMs };
  }

  async #begin({ kind, target }: Fault): Promise<void> {
    const disk = this.#town.disks.get(target);
    const member = this.#member(target);
    if (disk) disk.fill();
    else if (member !== undefined && kind === 'kill') await this.#town.etcd!.kill(member);
    else if (member !== undefined) this.#town.etcd!.signal(member, 'SIGSTOP');
    else if (kind === 'cut' || kind === 'slow') this.#town.cable(target, kind === 'cut' ? 'down' : 'slow');
    else if (kind === 'stop') this.#kept(target).freeze();
    else if (kind === 'kill') await this.#kept(target).kill();
    else await this.#kept(target).stop();
  }

  async #end({ kind, target }: Fault): Promise<void> {
    const disk = this.#town.disks.get(target);
    const member = this.#member(target);
    if (disk) this.#free(disk, target);
    else if (member !== undefined && kind === 'kill') this.#revive(member);
    else if (member !== undefined) this.#town.etcd!.signal(member, 'SIGCONT');
    else if (kind === 'cut' || kind === 'slow') this.#town.cable(target, 'up');
    else if (kind === 'stop') this.#kept(target).thaw();
    else await this.#kept(target).start();
  }

  /** A member of etcd ends when it cannot write; who runs it makes room and starts it again. */
  #free(disk: Disk, target: string): void {
    disk.free();
    const name = target.replace('disk of ', '');
    const member = this.#member(name);
    const isKilled = [...this.#underWay].some((fault) => fault.kind === 'kill' && fault.target === name);
    if (member !== undefined && !isKilled) this.#revive(member);
  }

  /** Two processes would be one member. */
  #revive(member: number): void {
    if (!this.#town.etcd!.isAlive(member)) this.#town.etcd!.restart(member);
  }

  /** Asked at once, of a server that is left: it may have to find out first that another is gone. */
  async #firstGrant({ kind, target }: Fault): Promise<void> {
    if (!this.#town.servers.has(target) || kind === 'restart') return;
    const left = [...this.#town.servers.keys()].find((id) => id !== target)!;
    const tookMs = await this.#town.elect(left, grantMs).then(
      (granted) => granted.tookMs,
      () => grantMs,
    );
    this.firstGrants.push({ kind, tookMs });
  }

  #kept(name: string) {
    return this.#town.servers.get(name) ?? this.#town.clients.get(name)!.kept;
  }

  /** Which member of etcd; undefined: none. */
  #member(name: string): number | undefined {
    return name.startsWith('etcd') ? Number(name.slice('etcd'.length)) - 1 : undefined;
  }

  async #until(atMs: number): Promise<void> {
    const waitMs = atMs - this.#now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => undefined);
  }
}
