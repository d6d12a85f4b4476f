/** A cloud of this machine as a process, on free ports: what `npm start` runs. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Running } from './processes.js';

export const serverProgram = fileURLToPath(new URL('../server/main.js', import.meta.url));

export interface CloudChoice {
  /** Its data go into `cloud` there, its output into `logs`, which is there. */
  readonly folder: string;
  readonly servers: number;
  /** Further words of `glimpse-server cloud`. */
  readonly words?: readonly string[];
  /** What it is started through: a program that becomes it, with its arguments. */
  readonly through?: readonly string[];
}

/** What it prints when it is ready. */
export interface CloudReady {
  readonly joinCode: string;
  readonly servers: readonly {
    readonly id: string;
    readonly pid: number;
    /** host:port of its services, and where it enrols. */
    readonly address: string;
    readonly enrolment: string;
  }[];
}

export const cloudFolder = (folder: string): string => path.join(folder, 'cloud');

export function runCloud({ folder, servers, words = [], through = [] }: CloudChoice): Running {
  const data = cloudFolder(folder);
  return new Running({
    name: 'the cloud',
    words: [
      serverProgram,
      'cloud',
      '--servers',
      String(servers),
      '--port',
      '0',
      '--data',
      data,
      ...words,
      '--json',
    ],
    through,
    environment: {},
    output: path.join(folder, 'logs', 'cloud.out'),
  });
}
