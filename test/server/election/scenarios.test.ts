/**
 * Scenarios of the ring: commands, and the whole trace that they are to give, in scenarios/*.txt. To accept a changed
 * trace run with UPDATE_SCENARIOS=1 and review the diff: commit it only if you know what caused it.
 *
 * A block is a line of commands, `----`, and the trace up to an empty line. A message takes 1 ms. Pings, pongs and
 * dials are left out. Commands: members, start, run MS, ask ID NUMBER, begin NUMBER, end ID, kill, stop, resume,
 * cut A B and mend A B (both ways), drain, leave, store ID lost or back, loads ID, members-of ID.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Ticket } from '../../../gen/glimpse/v1/election_pb.js';
import { MemberState } from '../../../gen/glimpse/v1/election_pb.js';
import { creditedIds } from '../../../server/election/ring/credits.js';
import { relativeLoad } from '../../../server/election/ring/load.js';
import { hex } from '../../../server/election/ring/state.js';
import { step } from '../../../server/election/ring/step.js';
import { Checker } from '../../../server/election/simulator/checker.js';
import { requestIdOf } from '../../../server/election/simulator/clients.js';
import { Network } from '../../../server/election/simulator/network.js';
import { Random } from '../../../server/election/simulator/random.js';
import { World } from '../../../server/election/simulator/world.js';

const folder = path.join('test', 'server', 'election', 'scenarios');
const update = process.env['UPDATE_SCENARIOS'] === '1';
const unsaid = /->\w+ P[io]ng|dials|hangs up/;

class Scenario {
  #world: World | undefined;
  #lines: string[] = [];
  readonly #tickets = new Map<string, Ticket>();

  get world(): World {
    if (!this.#world) throw new Error('begin with members');
    return this.#world;
  }

  run(commands: string): readonly string[] {
    this.#lines = [];
    for (const command of commands.split('; ')) this.#command(command.split(' '));
    return this.#lines;
  }

  #command([verb, ...words]: readonly string[]): void {
    const [first = '', second = ''] = words;
    const verbs: Record<string, () => void> = {
      members: () => this.#create(words),
      start: () => words.forEach((id) => this.world.start(id)),
      kill: () => words.forEach((id) => this.world.kill(id)),
      stop: () => words.forEach((id) => this.world.stop(id)),
      resume: () => words.forEach((id) => this.world.resume(id)),
      run: () => this.world.agenda.runUntil(this.world.agenda.nowMs + Number(first)),
      cut: () => this.#bothWays(first, second, (from, to) => this.world.network.cut(from, to)),
      mend: () => this.#bothWays(first, second, (from, to) => this.world.network.mend(from, to)),
      drain: () => this.world.happen(first, { type: 'drain' }),
      leave: () => this.world.happen(first, { type: 'leave' }),
      store: () => this.world.happen(first, { type: 'store', reachable: second === 'back' }),
      end: () => this.world.happen(first, { type: 'ended' }),
      ask: () => this.#ask(first, Number(second)),
      begin: () => this.#begin(first),
      loads: () => this.#loads(first),
      'members-of': () => this.#membersOf(first),
    };
    const act = verbs[verb ?? ''];
    if (!act) throw new Error(`no such command: ${verb}`);
    act();
  }

  /** `a` has two cores, `b=4` four. */
  #create(words: readonly string[]): void {
    const cores = new Map(words.map((word) => [word.split('=')[0]!, Number(word.split('=')[1] ?? 2)]));
    this.#world = new World({
      ids: [...cores.keys()],
      network: new Network(new Random(1), { delayMsMin: 1, delayMsMax: 1, loss: 0 }),
      step,
      watchers: [
        new Checker(),
        {
          traced: (atMs, line) => {
            if (!unsaid.test(line)) this.#lines.push(`${atMs.toFixed(0).padStart(5)} ${line}`);
          },
          granted: (_, __, ticket) => this.#tickets.set(hex(ticket.requestId), ticket),
        },
      ],
      reading: (id) => ({ backgroundCores: 0, cores: cores.get(id)!, speed: 1, cpu: 0 }),
      clockOffsetMs: () => 0,
    });
  }

  #bothWays(a: string, b: string, act: (from: string, to: string) => void): void {
    act(a, b);
    act(b, a);
  }

  #ask(id: string, number: number): void {
    const ownerFingerprint = new Uint8Array(32);
    const requestId = requestIdOf(number);
    this.world.happen(id, { type: 'elect', requestId, ownerFingerprint, sealedBytes: 1 });
  }

  #begin(number: string): void {
    const ticket = this.#tickets.get(hex(requestIdOf(Number(number))))!;
    this.world.happen(ticket.leader, { type: 'began', ticket });
  }

  #loads(id: string): void {
    for (const row of this.world.state(id).loads) {
      const credits = creditedIds(row.credits).map((id) => Number.parseInt(id, 16));
      this.#lines.push(
        `      ${row.id}: load ${relativeLoad(row)}, in flight ${row.inFlight}, credits [${credits.join(' ')}]` +
          (row.draining ? ', draining' : ''),
      );
    }
  }

  #membersOf(id: string): void {
    for (const member of this.world.state(id).members) {
      this.#lines.push(
        `      ${member.id}: ${MemberState[member.state].toLowerCase()} ${member.incarnation}`,
      );
    }
  }
}

/** The text with the traces that the commands give now. */
function replay(text: string): string {
  const scenario = new Scenario();
  const blocks = text.trimEnd().split('\n\n');
  const played = blocks.map((block) => {
    const lines = block.split('\n');
    const commands = lines.filter((_, index) => index < linesOfCommands(lines));
    const said = commands.filter((line) => !line.startsWith('#')).flatMap((line) => scenario.run(line));
    return commands.every((line) => line.startsWith('#'))
      ? commands.join('\n')
      : [...commands, '----', ...said].join('\n');
  });
  return `${played.join('\n\n')}\n`;
}

function linesOfCommands(lines: readonly string[]): number {
  const end = lines.indexOf('----');
  return end < 0 ? lines.length : end;
}

for (const file of readdirSync(folder)) {
  test(file.replace(/\.txt$/, '').replaceAll('-', ' '), (t) => {
    const expected = readFileSync(path.join(folder, file), 'utf8');
    const actual = replay(expected);
    if (update) writeFileSync(path.join(folder, file), actual);
    t.deepEqual(actual.split('\n'), (update ? actual : expected).split('\n'));
  });
}
