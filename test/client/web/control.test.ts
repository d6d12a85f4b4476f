import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, mkdir, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import type { Told, Typed } from '../../../client/web/control.js';
import { readTyped } from '../../../client/web/control.js';
import { ControlLost, performThere } from '../../../client/web/control-client.js';
import { makeSocketPath, socketPath } from '../../../client/web/control-path.js';
import type { Perform } from '../../../client/web/control-server.js';
import { serveControl } from '../../../client/web/control-server.js';
import { WEB_LIMITS } from '../../../client/web/limits.js';

const typed: Typed = {
  arguments: ['bob'],
  options: { views: '2', open: true },
  folder: tmpdir(),
  room: null,
};
const never = new AbortController().signal;

async function home(name = ''): Promise<string> {
  const folder = path.join(await mkdtemp(path.join(tmpdir(), 'glimpse-control-')), name);
  await mkdir(folder, { recursive: true });
  return folder;
}

const echo: Perform = async (name, asked, say) => {
  say({ progress: 'half way' });
  say({ drawing: 'a picture' });
  return { result: { name, asked } };
};

test('a command is performed there: what it tells comes first, then its outcome', async (t) => {
  const folder = await home();
  const control = await serveControl(folder, echo);
  const told: Told[] = [];
  const outcome = await performThere(folder, 'share', typed, (each) => told.push(each), never);
  t.deepEqual(outcome, { result: { name: 'share', asked: typed } });
  t.deepEqual(told, [{ progress: 'half way' }, { drawing: 'a picture' }]);
  await control.close();
  t.is(
    await performThere(folder, 'share', typed, () => undefined, never),
    undefined,
    'nobody is there any more',
  );
  await rm(folder, { recursive: true });
});

test('the socket is for its owner alone', async (t) => {
  const folder = await home();
  const control = await serveControl(folder, echo);
  t.is((await stat(socketPath(folder))).mode & 0o777, 0o600);
  t.is((await stat(path.dirname(socketPath(folder)))).mode & 0o777, 0o700);
  await control.close();
  await rm(folder, { recursive: true });
});

test('a home with a path too long for a socket has it elsewhere', async (t) => {
  const folder = await home(path.join('long'.repeat(20), 'longer'.repeat(20)));
  t.true(Buffer.byteLength(folder) > WEB_LIMITS.socketPathBytesMax);
  const control = await serveControl(folder, echo);
  const socket = socketPath(folder);
  t.true(Buffer.byteLength(socket) <= WEB_LIMITS.socketPathBytesMax);
  t.is((await stat(path.dirname(socket))).mode & 0o777, 0o700);
  t.truthy((await performThere(folder, 'share', typed, () => undefined, never))?.result);
  await control.close();
  await t.throwsAsync(stat(path.dirname(socket)), { code: 'ENOENT' });
  await rm(folder, { recursive: true });
});

test('a socket that a killed process left behind is nobody, and gives way', async (t) => {
  const folder = await home();
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('listening'))`;
  const up = spawn(process.execPath, ['-e', script, makeSocketPath(folder)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(up.stdout, 'data');
  up.kill('SIGKILL');
  await once(up, 'exit');
  t.true((await stat(socketPath(folder))).isSocket());
  t.is(await performThere(folder, 'share', typed, () => undefined, never), undefined);
  const control = await serveControl(folder, echo);
  t.truthy(await performThere(folder, 'share', typed, () => undefined, never));
  await control.close();
  await rm(folder, { recursive: true });
});

async function post(folder: string, where: string, body: string, method = 'POST'): Promise<number> {
  const asked = request({ socketPath: socketPath(folder), path: where, method, agent: false });
  asked.on('error', () => undefined);
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

test('what is no command is refused', async (t) => {
  const folder = await home();
  const control = await serveControl(folder, (name, ...rest) =>
    name === 'share' ? echo(name, ...rest) : undefined,
  );
  t.is(await post(folder, '/commands/share', 'not json'), 400);
  t.is(await post(folder, '/commands/share', '{"arguments":"bob"}'), 400);
  t.is(await post(folder, '/commands/unheard', JSON.stringify(typed)), 404);
  t.is(await post(folder, '/other', JSON.stringify(typed)), 404);
  t.is(await post(folder, '/commands/share', '', 'GET'), 405);
  t.is(await post(folder, '/commands/share', ' '.repeat(WEB_LIMITS.requestBytesMax + 1)), 413);
  t.is(await post(folder, '/commands/share', JSON.stringify(typed)), 200);
  await t.throwsAsync(
    performThere(folder, 'unheard', typed, () => undefined, never),
    { instanceOf: ControlLost },
  );
  await control.close();
  await rm(folder, { recursive: true });
});

/** Performs until it is told to end, and says so. */
function untilTold(): { perform: Perform; told: Promise<unknown> } {
  const end = new EventEmitter();
  const perform: Perform = async (_name, _typed, say, signal) => {
    say({ progress: 'begun' });
    await once(signal, 'abort');
    end.emit('told');
    return { result: 'last words' };
  };
  return { perform, told: once(end, 'told') };
}

test('whoever goes away ends the command', async (t) => {
  const folder = await home();
  const { perform, told } = untilTold();
  const control = await serveControl(folder, perform);
  const going = new AbortController();
  const asked = performThere(folder, 'cloud', typed, () => going.abort(), going.signal);
  await t.throwsAsync(asked, { any: true, message: /abort/ });
  await told;
  await control.close();
  await rm(folder, { recursive: true });
});

test('a command under way when up ends still says how it ended', async (t) => {
  const folder = await home();
  const control = await serveControl(folder, untilTold().perform);
  const heard = new EventEmitter();
  const begun = once(heard, 'begun');
  const asked = performThere(folder, 'cloud', typed, () => heard.emit('begun'), never);
  await begun;
  await control.close();
  t.deepEqual(await asked, { result: 'last words' });
  await rm(folder, { recursive: true });
});

test('an answer that breaks off is an error that says so', async (t) => {
  const folder = await home();
  const server = createServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"pro'));
  }).listen(makeSocketPath(folder));
  await once(server, 'listening');
  await t.throwsAsync(
    performThere(folder, 'share', typed, () => undefined, never),
    {
      instanceOf: ControlLost,
      message: /up ended/,
    },
  );
  server.close();
  await rm(folder, { recursive: true });
});

test('anything else than a typed command is not read as one', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const read = readTyped(value);
      if (read !== undefined)
        t.deepEqual(Object.keys(read).sort(), ['arguments', 'folder', 'options', 'room']);
    }),
  );
  t.deepEqual(readTyped(JSON.parse(JSON.stringify(typed))), typed);
  t.is(readTyped({ ...typed, room: { columns: -1, rows: 1 } }), undefined);
  t.is(readTyped({ ...typed, room: { columns: 1.5, rows: 1 } }), undefined);
  t.is(readTyped({ ...typed, options: { views: 2 } }), undefined);
});
