/** The owner's proof that nobody rewrote a grant's log, against someone who rewrites it in the servers' store. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { TestFn } from 'ava';
import anyTest from 'ava';
import Database from 'better-sqlite3';
import { EMPTY_LOG_HEAD, nextLogHead } from '../../core/rights/log.js';
import type { GrantLogLines, LogLine, Received } from '../../client/engine.js';
import type { Person } from '../../demo/person.js';
import { awaited } from '../../demo/processes.js';
import { LogEntrySchema } from '../../gen/glimpse/v1/discovery_pb.js';
import { TallyRecordSchema } from '../../gen/glimpse/v1/records_pb.js';
import { Cast, photos } from './cast.js';

interface Story {
  readonly cast: Cast;
  readonly alice: Person;
  readonly bob: Person;
  readonly grant: string;
}

const test = anyTest as TestFn<{ story: Story }>;

test.before(async (t) => {
  const cast = await Cast.gather();
  t.context.story = { cast } as Story;
  await cast.openCloud(1);
  const [alice, bob] = [await cast.member('alice'), await cast.member('bob')];
  await alice.start(['--gallery', photos, '--views', '9', '--open']);
  await bob.start([]);
  await bob.glimpse(['gallery', 'alice']);
  const { grant } = (await bob.glimpse(['request', 'alice', '1'])).result as Received;
  t.context.story = { cast, alice, bob, grant };
});

test.after.always(async (t) => {
  await t.context.story.cast.leave();
});

/** Bob views so often; on return the log tells of all of it, and Alice has not looked. */
async function viewed({ bob, grant }: Story, times: number): Promise<LogLine[]> {
  const before = ((await bob.glimpse(['log', grant])).result as LogLine[]).length;
  for (let time = 0; time < times; time += 1) await bob.glimpse(['view', grant]);
  const lines = await awaited(async () => {
    const now = (await bob.glimpse(['log', grant])).result as LogLine[];
    return now.length === before + 2 * times ? now : undefined;
  });
  return lines!;
}

interface Verified {
  readonly exit: number;
  readonly reason: string | undefined;
  readonly flaw: GrantLogLines['flaw'] | undefined;
  readonly log: GrantLogLines;
}

async function verify(person: Person, grant: string): Promise<Verified> {
  const { exit, error, result } = await person.glimpse(['log', grant, '--verify']);
  const log = result as GrantLogLines;
  return { exit, reason: error?.reason, flaw: log.flaw, log };
}

/** Someone with the servers' disk. `entries` are what the log is to be from now on; the count and head follow. */
class Forger {
  readonly #database: Database.Database;
  readonly #grant: string;

  constructor({ cast, grant }: Story) {
    this.#database = new Database(path.join(cast.data, 'store.sqlite'), { timeout: 5_000 });
    this.#grant = grant;
  }

  get entries(): Uint8Array[] {
    const sql = 'SELECT value FROM rows WHERE key LIKE ? ORDER BY key';
    return this.#database.prepare(sql).pluck().all(`log/${this.#grant}/%`) as Buffer[];
  }

  /** Rewrites the log, runs `look`, and puts everything back. */
  async with<Seen>(entries: readonly Uint8Array[], look: () => Promise<Seen>): Promise<Seen> {
    const kept = this.#database.prepare('SELECT key, value FROM rows WHERE key LIKE ? OR key = ?');
    const rows = kept.all(`log/${this.#grant}/%`, this.#tally) as { key: string; value: Buffer }[];
    this.#rewrite(entries);
    try {
      return await look();
    } finally {
      this.#clear();
      for (const { key, value } of rows) this.#put(key, value);
    }
  }

  close(): void {
    this.#database.close();
  }

  get #tally(): string {
    return `tally/${this.#grant}`;
  }

  #rewrite(entries: readonly Uint8Array[]): void {
    const told = this.#database.prepare('SELECT value FROM rows WHERE key = ?').pluck().get(this.#tally);
    const logHead = entries.reduce((head, entry) => nextLogHead(head, entry), EMPTY_LOG_HEAD);
    const tally = fromBinary(TallyRecordSchema, told as Buffer);
    const forged = create(TallyRecordSchema, { ...tally, logHead, logLength: entries.length });
    this.#clear();
    entries.forEach((entry, at) =>
      this.#put(`log/${this.#grant}/${String(at + 1).padStart(8, '0')}`, Buffer.from(entry)),
    );
    this.#put(this.#tally, Buffer.from(toBinary(TallyRecordSchema, forged)));
  }

  #clear(): void {
    this.#database.prepare('DELETE FROM rows WHERE key LIKE ?').run(`log/${this.#grant}/%`);
  }

  #put(key: string, value: Buffer): void {
    const sql = `INSERT INTO rows (key, value, revision) VALUES (?, ?, (SELECT max(revision) FROM rows))
      ON CONFLICT DO UPDATE SET value = excluded.value`;
    this.#database.prepare(sql).run(key, value);
  }
}

function edited(encoded: Uint8Array, changes: { sequence?: number; remaining?: number }): Uint8Array {
  const entry = fromBinary(LogEntrySchema, encoded);
  return toBinary(LogEntrySchema, create(LogEntrySchema, { ...entry, ...changes }));
}

test.serial(
  'whoever holds the servers’ disks: what they rewrite of a log that was seen is found, with its place',
  async (t) => {
    const { story } = t.context;
    const { alice, bob, grant } = story;
    const lines = await viewed(story, 2);
    t.is(lines.length, 6);
    t.like(await verify(alice, grant), { exit: 0, flaw: null });
    t.like(await verify(bob, grant), { exit: 0, flaw: null });
    const forger = new Forger(story);
    t.teardown(() => forger.close());
    const { entries } = forger;

    const flawOf = async (told: readonly Uint8Array[]) => {
      const { exit, reason, flaw } = await forger.with(told, () => verify(alice, grant));
      t.deepEqual([exit, reason], [1, 'LOG_BROKEN']);
      return flaw;
    };
    t.like(await flawOf(entries.toSpliced(2, 1)), {
      what: 'missing',
      from: 3,
      to: 3,
      message: 'entry 3 is gone',
    });
    const renumbered = entries.toSpliced(2, 1).map((each, at) => edited(each, { sequence: at + 1 }));
    t.like(await flawOf(renumbered), { what: 'changed', from: 3, to: 3 });
    t.like(await flawOf(entries.with(1, entries[3]!).with(3, entries[1]!)), {
      what: 'moved',
      from: 2,
      to: 4,
    });
    t.like(await flawOf(entries.with(4, edited(entries[4]!, { remaining: 9 }))), {
      what: 'changed',
      from: 5,
      to: 5,
    });
    t.like(await flawOf(entries.slice(0, 4)), { what: 'missing', from: 5, to: 6 });
    t.like(
      await forger.with(entries.slice(0, 4), () => verify(bob, grant)),
      { exit: 1 },
      'the viewer saw it too',
    );
    t.like(await verify(alice, grant), { exit: 0, flaw: null }, 'as it was');
  },
);

test.serial('a head that was seen by the way is enough', async (t) => {
  const { story } = t.context;
  const { alice, grant } = story;
  await verify(alice, grant);
  await viewed(story, 1);
  await alice.glimpse(['shared']);
  const forger = new Forger(story);
  t.teardown(() => forger.close());
  const { entries } = forger;
  t.is(entries.length, 8);
  const forged = entries.with(6, edited(entries[6]!, { remaining: 99 }));
  t.like(await forger.with(forged, () => verify(alice, grant)), {
    exit: 1,
    flaw: { what: 'changed', from: 7, to: 8 },
  });
  t.like(await forger.with(entries.slice(0, 7), () => verify(alice, grant)), {
    exit: 1,
    flaw: { what: 'missing', from: 8, to: 8 },
  });
});

test.serial('an export is verified by anyone who can hash', async (t) => {
  const { alice, grant, cast } = t.context.story;
  const file = path.join(cast.folder, 'log.json');
  t.like(await alice.glimpse(['log', grant, '--export', file]), { exit: 0, result: { exported: file } });
  const told = JSON.parse(await readFile(file, 'utf8')) as GrantLogLines & { format: string };
  t.is(told.format, 'glimpse/v1 log');
  const heads = ['00'.repeat(32)];
  for (const entry of told.entries) {
    const chained = Buffer.concat([Buffer.from(heads.at(-1)!, 'hex'), Buffer.from(entry, 'base64')]);
    heads.push(createHash('sha256').update(chained).digest('hex'));
  }
  t.is(heads.at(-1), told.head);
  t.true(told.seen.length > 0);
  for (const { length, head } of told.seen) t.is(heads[length], head);
});
