import { defineCommand } from './command.js';

export const leave = defineCommand({
  name: 'leave',
  summary: 'leave the cloud and free the vault',
  examples: ['glimpse leave'],
  details: 'Your name is free again. What you gave stays in the ledger, and nobody can change it any more.',
  read: () => undefined,
  perform: async (engine) => {
    await engine.leave();
    return { left: true };
  },
  draw: () => 'You have left the cloud.',
  endsUp: true,
});
