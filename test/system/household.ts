/** A cloud and people, as processes that end with the test: each wherever it is put, on a disk or in a network. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { Person } from '../../demo/person.js';
import { Running } from '../../demo/processes.js';

const server = fileURLToPath(new URL('../../server/main.js', import.meta.url));

/** Whatever becomes of the test's own process, what is started through this does not outlive it. */
const mortal = ['setpriv', '--pdeathsig', 'KILL', '--'] as const;

export interface CloudChoice {
  readonly folder: string;
  readonly servers: number;
  /** Further words of `glimpse-server cloud`. */
  readonly words?: readonly string[];
  readonly through?: readonly string[];
}

/** A cloud that is ready. */
export async function openCloud(t: ExecutionContext, choice: CloudChoice): Promise<{ joinCode: string }> {
  const { folder, servers, words = [], through = [] } = choice;
  const data = path.join(folder, 'cloud');
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const cloud = new Running({
    name: 'the cloud',
    words: [server, 'cloud', '--servers', `${servers}`, '--port', '0', '--data', data, ...words, '--json'],
    through: [...mortal, ...through],
    environment: {},
    output: path.join(folder, 'logs', 'cloud.out'),
  });
  t.teardown(() => cloud.kill());
  return (await cloud.ready()) as { joinCode: string };
}

/** Someone who has joined, and is not up yet. The vault is `folder`/`name`. */
export async function member(
  t: ExecutionContext,
  name: string,
  where: { readonly folder: string; readonly joinCode: string; readonly through?: readonly string[] },
): Promise<Person> {
  const { folder, joinCode, through = [] } = where;
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const person = new Person(name, folder, () => undefined, [...mortal, ...through]);
  t.teardown(() => person.up?.kill());
  const { exit, error } = await person.glimpse(['join', '-', '--name', name], joinCode);
  if (exit !== 0) throw new Error(error?.message ?? `join ended with ${exit}`);
  return person;
}

/** What a command printed. @throws Error if it failed */
export async function answer<Result>(person: Person, ...words: readonly string[]): Promise<Result> {
  const { exit, result, error } = await person.glimpse(words);
  if (exit !== 0)
    throw new Error(`${person.name}: ${words.join(' ')}: exit ${exit}: ${error?.message ?? ''}`);
  return result as Result;
}
