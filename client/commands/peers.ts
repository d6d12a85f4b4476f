import { defineCommand } from './command.js';
import { table } from './table.js';

export const peers = defineCommand({
  name: 'peers',
  summary: 'all known names but mine',
  examples: ['glimpse peers'],
  read: () => undefined,
  perform: (engine) => engine.peers(),
  draw: (lines) =>
    table(
      ['name', 'online', 'address', 'verified', 'may', 'fingerprint'],
      lines.map(({ name, online, address, verified, changed, policy, fingerprint }) => [
        name,
        online,
        address,
        changed ? 'NEW KEY: verify' : verified,
        policy,
        fingerprint,
      ]),
      'Nobody else has joined yet.',
    ),
});
