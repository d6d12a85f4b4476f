import type { FormerGrant, Rebuilt } from '../engine.js';
import { defineCommand } from './command.js';
import { text } from './read.js';
import { shortId, table } from './table.js';

export const rebuild = defineCommand({
  name: 'rebuild',
  summary: 'after a recovery: what I gave, and ask again for what I held',
  describe: (line) =>
    line.option('--revoke <grant>', 'take back a grant that was given under the lost keys, or all of them'),
  examples: ['glimpse rebuild', 'glimpse rebuild --revoke all'],
  details:
    'First: glimpse join CODE --name NAME --recover RECOVERY. What you gave under the lost keys stands until you take\n' +
    'it back. What you held comes again once its owner trusts your new key (glimpse verify): then repeat this.',
  read: (typed) => ({ revoke: text(typed, 'revoke')?.toLowerCase() }),
  perform: async (engine, { revoke }): Promise<Rebuilt> =>
    revoke === undefined ? engine.rebuild() : { given: await engine.revokeFormer(revoke), held: [] },
  draw: ({ given, held }) =>
    [
      givenTable(given),
      ...(held.length === 0
        ? []
        : [
            table(
              ['owner', 'image', 'grant'],
              held.map(({ owner, image, grant, why }) => [
                owner,
                shortId(image),
                grant === null ? `not yet: ${why}` : shortId(grant),
              ]),
              '',
            ),
          ]),
    ].join('\n\n'),
});

function givenTable(given: readonly FormerGrant[]): string {
  return table(
    ['given under lost keys', 'viewer', 'used', 'of', 'state'],
    given.map(({ grant, viewer, used, quota, revoked }) => [
      shortId(grant),
      viewer,
      used,
      quota,
      revoked ? 'taken back' : 'stands',
    ]),
    'Nothing was given under keys that were replaced.',
  );
}
