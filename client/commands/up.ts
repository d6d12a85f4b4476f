import { defineCommand } from './command.js';
import { Usage } from './failure.js';
import { duration, fileOrWord, filePath, flag, given, mode, text, views } from './read.js';

export const up = defineCommand({
  name: 'up',
  summary: 'run the client: serve a gallery, attend, deliver and receive',
  describe: (line) =>
    line
      .option(
        '--gallery <folder>',
        'the photos that others may browse and ask for; without it you only receive',
      )
      .option('--listen <host:port>', 'where others reach this client', '127.0.0.1:0')
      .option('--advertise <host>', 'the host that the directory tells others')
      .option('--views <n>', 'views that a request gets at most', '3')
      .option('--mode <mode>', 'strict: every view is unlocked at the cloud; prepaid: some ahead', 'strict')
      .option('--batch <n>', 'with prepaid: views that may be unlocked ahead, 5 if you do not say')
      .option('--expires <span>', 'how long the views last: 30m, 2h, 7d')
      .option(
        '--cover <cover>',
        'what everyone sees: preview, drawn, dunes, dusk, waves, or a picture file',
        'preview',
      )
      .option('--open', 'admit every member of the cloud without asking you'),
  examples: [
    'glimpse up --gallery ~/Pictures',
    'glimpse up --gallery ~/Pictures --views 5 --expires 7d --open',
  ],
  details:
    'Without --open a stranger knocks first: see glimpse requests. Thumbnails cannot be taken back once browsed.\n' +
    'While up runs, the other commands speak to it. It prints a line when it is ready and ends at Ctrl-C.',
  read: (typed) => {
    const folder = text(typed, 'gallery');
    return given({
      gallery: folder === undefined ? undefined : filePath(typed, folder),
      listen: listenAddress(text(typed, 'listen') ?? ''),
      advertise: text(typed, 'advertise'),
      views: views(typed, 'views') ?? 3,
      mode: 'strict' as const,
      ...mode(typed),
      expiresMs: duration(typed, 'expires'),
      cover: fileOrWord(typed, text(typed, 'cover') ?? 'preview'),
      open: flag(typed, 'open'),
    });
  },
  perform: async (engine, options, { stay }) => {
    const running = await engine.up(options);
    stay(running);
    return { ready: true, name: running.name, address: running.address };
  },
  draw: ({ name, address }) => `${name} is up at ${address}. Ctrl-C ends it.`,
  stays: true,
});

/** Brackets around an IPv6 address stay out of the host. @throws Usage */
function listenAddress(value: string): { host: string; port: number } {
  const [, six, host = six, port] = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(value) ?? [];
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  throw new Usage(`--listen ${value} is not an address: give host:port, such as 192.168.1.5:7700`);
}
