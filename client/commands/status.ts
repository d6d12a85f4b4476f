import type { Status, WaitingLine } from '../engine.js';
import { defineCommand } from './command.js';
import { plural, shortId } from './table.js';

export const status = defineCommand({
  name: 'status',
  summary: 'who I am, the cloud, whether up runs, what waits',
  examples: ['glimpse status'],
  read: () => undefined,
  perform: async (engine, _none, { byUp }) => {
    const { name } = await engine.status();
    if (name !== null && !byUp) await engine.flush();
    return { ...(await engine.status()), up: byUp };
  },
  draw: ({ name, fingerprint, cloud, attending, up, waiting }) =>
    name === null
      ? 'You have not joined a cloud yet: glimpse join CODE --name NAME'
      : [
          `name         ${name}`,
          `fingerprint  ${fingerprint}`,
          `cloud        ${cloudText(cloud)}${attending === null ? '' : `, present at ${attending}`}`,
          `up           ${up ? 'runs' : 'does not run: glimpse up --gallery FOLDER'}`,
          `outbox       ${waiting.outbox.length === 0 ? 'empty' : ''}`,
          ...waiting.outbox.map(waitingText),
          `requests     ${waiting.requests === 0 ? 'none' : `${waiting.requests} wait for you: glimpse requests`}`,
        ].join('\n'),
});

function cloudText({ reachable, servers }: Status['cloud']): string {
  return reachable ? `reachable, ${plural(servers.length, 'server')} known` : 'cannot be reached';
}

function waitingText({ what, grant, viewer, attempts, error }: WaitingLine): string {
  const tries = attempts === 0 ? '' : `, tried ${plural(attempts, 'time')}`;
  return `  ${what} of ${shortId(grant)} for ${viewer}${tries}${error === null ? '' : `: ${error}`}`;
}
