import type { IncomingMessage } from 'node:http';
import { request } from 'node:http';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test from 'ava';
import { WEB_LIMITS } from '../../../client/web/limits.js';
import { Showing, showOnce } from '../../../client/web/shown.js';

const picture = { bytes: new Uint8Array([1, 2, 3, 4]), mediaType: 'image/png' };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

async function ask(url: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const asked = request(url, { method, headers, agent: false });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) };
}

test('the address gives the picture once and is gone', async (t) => {
  const { url, gone } = await showOnce(picture);
  t.regex(url, /^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{64}$/);
  const { status, headers, body } = await ask(url);
  t.is(status, 200);
  t.deepEqual(new Uint8Array(body), picture.bytes);
  t.like(headers, {
    'content-type': 'image/png',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  t.regex(String(headers['content-security-policy']), /default-src 'none'.*sandbox/);
  await gone;
  await t.throwsAsync(ask(url), { code: 'ECONNREFUSED' });
});

test('another user of this computer who knows the address gets nothing, and uses nothing up', async (t) => {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') {
    t.log('SKIPPED: acting as another user takes root, on Linux');
    t.pass();
    return;
  }
  const { url } = await showOnce(picture);
  const look = "require('node:http').get(process.argv[1], ({ statusCode }) => console.log(statusCode))";
  const words = ['--reuid', '65534', '--clear-groups', process.execPath, '-e', look, url];
  const { stdout } = await promisify(execFile)('setpriv', words, { cwd: '/' });
  t.is(stdout.trim(), '403');
  t.is((await ask(url)).status, 200);
});

test('of two who ask at the same time one gets it', async (t) => {
  const { url } = await showOnce(picture);
  const answers = await Promise.allSettled([ask(url), ask(url), ask(url)]);
  const given = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 200);
  t.is(given.length, 1);
});

test('who asks wrongly learns nothing and uses nothing up', async (t) => {
  const { url, withdraw } = await showOnce(picture);
  const wrong = url.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const { port } = new URL(url);
  const refused: readonly (readonly [number, Promise<Answer>])[] = [
    [405, ask(url, 'HEAD')],
    [405, ask(url, 'POST')],
    [404, ask(wrong)],
    [404, ask(`${url}?again`)],
    [404, ask(`http://127.0.0.1:${port}/`)],
    [404, ask(`http://127.0.0.1:${port}/favicon.ico`)],
    [403, ask(url, 'GET', { host: `evil.example:${port}` })],
    [403, ask(url, 'GET', { host: `localhost:${port}` })],
  ];
  for (const [status, answer] of refused) {
    const { status: got, body } = await answer;
    t.is(got, status);
    t.is(body.length, 0);
  }
  t.is((await ask(url)).status, 200);
  withdraw();
});

test('a picture that nobody fetches is withdrawn after its time', async (t) => {
  const { url, gone } = await showOnce(picture, 20);
  await gone;
  await t.throwsAsync(ask(url), { code: 'ECONNREFUSED' });
});

test('what another computer calls the bytes is believed only for pictures', async (t) => {
  for (const mediaType of ['text/html', 'image/svg+xml', 'image/png\r\nSet-Cookie: a=b', '']) {
    const { url } = await showOnce({ bytes: picture.bytes, mediaType });
    const { status, headers } = await ask(url);
    t.is(status, 200);
    t.is(headers['content-type'], 'application/octet-stream');
    t.is(headers['set-cookie'], undefined);
  }
});

test('one process shows a few pictures at a time: the oldest gives way', async (t) => {
  const showing = new Showing();
  const urls: string[] = [];
  for (let count = 0; count <= WEB_LIMITS.shownMax; count += 1) urls.push(await showing.show(picture));
  await t.throwsAsync(ask(urls[0]!), { code: 'ECONNREFUSED' });
  t.is((await ask(urls[1]!)).status, 200);
  t.is((await ask(urls.at(-1)!)).status, 200);
  await showing.withdraw();
  await t.throwsAsync(ask(urls[2]!), { code: 'ECONNREFUSED' });
  await showing.gone();
});
