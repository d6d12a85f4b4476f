/**
 * What a test needs of the machine beyond Node. Where it is missing the test says so, loudly, and passes: a machine
 * without it can still run the rest, and `.ci/run` installs all of it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';

/** Ends the test as skipped, and says why and what would help. */
export function skip(t: ExecutionContext, why: string, remedy: string): void {
  t.log(`SKIPPED: ${why}. To run it: ${remedy}`);
  t.pass();
}

/** Where this program is, or undefined, after a word, if it is not installed. */
export function program(t: ExecutionContext, name: string, debianPackage = name): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin'];
  const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) skip(t, `${name} is not installed`, `install Debian’s ${debianPackage}`);
  return found;
}

/** A folder that is removed after the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'glimpse-system-')));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const mount = (...args: string[]): Buffer =>
  execFileSync('mount', args, { stdio: 'pipe', timeout: 10_000 });

/** An empty file system of this size, in memory, or undefined, after a word, where none can be mounted. */
export async function smallDisk(t: ExecutionContext, size: string): Promise<string | undefined> {
  const folder = await temporaryFolder(t);
  try {
    mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder);
  } catch (error) {
    skip(t, `no file system can be mounted here (${firstLine(error)})`, 'be root, on Linux');
    return undefined;
  }
  t.teardown(() => execFileSync('umount', ['--lazy', folder], { timeout: 10_000 }));
  return folder;
}

/** Debian’s photographs of 12 megapixels, as a telephone made them: EXIF, GPS, one of them upside down. */
export function largePhotographs(t: ExecutionContext): readonly string[] {
  const folder = '/usr/share/forensics-samples/original-files';
  const files = ['pic1/IMG_20200827_231612.jpg', 'pic2/IMG_20191224_234846.jpg']
    .concat(['pic2/IMG_20200124_231153.jpg', 'pic2/IMG_20200608_111614.jpg'])
    .map((name) => path.join(folder, name))
    .filter((file) => existsSync(file));
  if (files.length === 0)
    skip(t, 'there are no photographs of 12 megapixels', 'install Debian’s forensics-samples-files');
  return files;
}

function firstLine(error: unknown): string {
  return String(error).split('\n', 1)[0] ?? '';
}
