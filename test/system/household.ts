/** A cloud and people, as processes that end with the test: each wherever it is put, on a disk or in a network. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import type { CloudChoice, CloudReady } from '../../demo/cloud.js';
import { runCloud } from '../../demo/cloud.js';
import { Person } from '../../demo/person.js';
import { mortal } from '../../demo/processes.js';

/** A cloud that is ready. */
export async function openCloud(t: ExecutionContext, choice: CloudChoice): Promise<CloudReady> {
  const { folder, through = [] } = choice;
  await mkdir(path.join(folder, 'logs'), { recursive: true });
  const cloud = runCloud({ ...choice, through: [...mortal, ...through] });
  t.teardown(() => cloud.kill());
  return (await cloud.ready()) as CloudReady;
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
  await person.join(joinCode);
  return person;
}

/** What a command printed. @throws Error if it failed */
export async function answer<Result>(person: Person, ...words: readonly string[]): Promise<Result> {
  const { exit, result, error } = await person.glimpse(words);
  if (exit !== 0)
    throw new Error(`${person.name}: ${words.join(' ')}: exit ${exit}: ${error?.message ?? ''}`);
  return result as Result;
}
