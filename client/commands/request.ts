import type { Engine, Received } from '../engine.js';
import { defineCommand } from './command.js';
import { Usage } from './failure.js';
import { nameOf } from './join.js';
import { progressText } from './progress-text.js';
import { given, text, views, word } from './read.js';
import { plural, shortId } from './table.js';

export const request = defineCommand({
  name: 'request',
  summary: 'ask a peer for a photo and receive it',
  describe: (line) =>
    line
      .argument('<peer>', 'name, or name#fingerprint')
      .argument('<photo>', 'number in the last glimpse gallery, or image id')
      .option('--views <n>', 'how many views to ask for; the owner decides how many it gets')
      .option('--join <code>', 'join first, if that was not done yet (- reads the code from standard input)')
      .option('--name <name>', 'the name to join with'),
  examples: ['glimpse request alice 2', 'glimpse request alice 2 --views 1 --join glimpse1-... --name bob'],
  details: 'Asking again brings the same grant again and adds no views. Receiving spends none.',
  read: (typed) => ({
    peer: word(typed, 0),
    photo: word(typed, 1),
    views: views(typed, 'views'),
    joining: joiningOf(text(typed, 'join'), text(typed, 'name')),
  }),
  perform: async (engine, { peer, photo, views: count, joining }, { progress }): Promise<Received> => {
    if (joining) await joinWhereNeeded(engine, joining);
    return engine.request(peer, photo, given({ views: count }), (each) => progress(progressText(each)));
  },
  draw: ({ grant, owner, verified, file, quota, remaining, mode, leader }) =>
    [
      `${owner}${verified ? '' : ' (unverified)'} granted ${plural(quota, 'view')}, ${mode}; hidden by ${leader}.`,
      `file   ${file}`,
      `views  ${remaining === null ? 'not known now' : `${remaining} of ${quota} left`}`,
      `Next: glimpse view ${shortId(grant)}`,
    ].join('\n'),
});

interface Joining {
  readonly code: string;
  readonly name: string;
}

function joiningOf(code: string | undefined, name: string | undefined): Joining | undefined {
  if (code !== undefined) return { code, name: nameOf(name) };
  if (name !== undefined) throw new Usage('--name goes with --join: give the join code as well');
  return undefined;
}

async function joinWhereNeeded(engine: Engine, { code, name }: Joining): Promise<void> {
  const { name: joined } = await engine.status();
  if (joined === null) await engine.join(code, name);
  else if (joined !== name)
    throw new Usage(`this vault has joined as ${joined}: leave --join and --name out`);
}
