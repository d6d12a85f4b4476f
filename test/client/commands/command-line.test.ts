import path from 'node:path';
import test from 'ava';
import { commands } from '../../../client/commands/all.js';
import type { Chosen } from '../../../client/commands/command-line.js';
import { parseLine } from '../../../client/commands/command-line.js';
import { Refused } from '../../../core/rpc/errors.js';
import { Usage } from '../../../client/commands/failure.js';

function parse(text: string): Chosen | { readonly said: string } {
  return parseLine(text === '' ? [] : text.split(' '), commands, '1.2.3');
}

/** What the command makes of it. @throws Usage */
function read(text: string, folder = '/somewhere'): unknown {
  const chosen = parse(text);
  if ('said' in chosen) throw new Error(`not a command: ${text}`);
  return chosen.command.read({ ...chosen.typed, folder, room: null });
}

const words =
  'join up status peers allow requests approve refuse gallery request share inbox view prepay rights shared log cloud verify forget passphrase rebuild leave';

test('the commands are these', (t) => {
  t.deepEqual(
    commands.map(({ name }) => name),
    words.split(' '),
  );
});

for (const { name, examples } of commands) {
  test(`${name} --help has an example, and the examples are commands`, (t) => {
    const help = parse(`${name} --help`);
    t.true('said' in help && help.said.includes(`Usage: glimpse ${name}`));
    t.true('said' in help && help.said.includes('--json'));
    t.true(examples.length > 0);
    for (const example of examples) {
      t.true('said' in help && help.said.includes(example));
      const typed = example.replace(/ <.*$/, '').replace(/^glimpse /, '');
      t.notThrows(() => readLoosely(typed), example);
    }
  });
}

/** Examples may name files that are not here. */
function readLoosely(line: string): void {
  try {
    read(line);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

test('the help names the exit codes, the version is the package’s', (t) => {
  t.regex((parse('--help') as { said: string }).said, /6 refused/);
  t.is((parse('--version') as { said: string }).said, '1.2.3\n');
});

const wrong = test.macro({
  exec(t, line: string, message: RegExp) {
    t.throws(() => read(line), { instanceOf: Usage, message });
  },
  title: (_, line: string) => `usage: glimpse ${line}`,
});

test(wrong, '', /no command/);
test(wrong, 'unheard', /unknown command/);
test(wrong, 'status --unheard', /unknown option/);
test(wrong, 'status extra', /too many arguments/);
test(wrong, 'join --name alice', /missing required argument/);
test(wrong, 'join code', /--name/);
test(wrong, 'join code --name Alice', /not a name/);
test(wrong, 'join code --name -', /not a name/);
test(wrong, `join code --name ${'a'.repeat(33)}`, /not a name/);
test(wrong, 'passphrase secret-words', /too many arguments/);
test(wrong, 'allow bob everything', /give none, browse, request/);
test(wrong, 'request alice 1 --views 0', /not a number of views/);
test(wrong, 'request alice 1 --views -3', /not a number of views/);
test(wrong, 'request alice 1 --views 1e3', /not a number of views/);
test(wrong, 'request alice 1 --views 1000001', /not a number of views/);
test(wrong, 'request alice 1 --name bob', /--join/);
test(wrong, 'share bob 1 --expires soon', /span of time/);
test(wrong, 'share bob 1 --expires 0s', /span of time/);
test(wrong, 'rights bob 1', /nothing to change/);
test(wrong, 'rights bob 1 --views 2 --add 1', /one of them/);
test(wrong, 'rights bob 1 --revoke --add 1', /--revoke/);
test(wrong, 'rights bob 1 --add 0', /not a number of views/);
test(wrong, 'up --listen nowhere', /host:port/);
test(wrong, 'up --listen 127.0.0.1:70000', /host:port/);
test(wrong, 'up --mode lax', /not a mode/);
test(wrong, 'up --views many', /not a number of views/);

test('what was typed is understood', (t) => {
  t.deepEqual(read('up --gallery photos --listen [::1]:0 --views 5 --expires 2h --open'), {
    gallery: '/somewhere/photos',
    listen: { host: '::1', port: 0 },
    views: 5,
    mode: 'strict',
    expiresMs: 7_200_000,
    cover: 'preview',
    open: true,
  });
  t.deepEqual(read('rights bob beach.jpg --views 0 --expires never'), {
    viewer: 'bob',
    what: 'beach.jpg',
    wish: { views: 0, add: undefined, revoke: undefined, expiresMs: null, mode: undefined },
  });
  t.deepEqual(read('view ABCD12'), { what: 'abcd12' });
  const here = path.basename(import.meta.filename);
  t.deepEqual(read(`view ../commands/${here}`, import.meta.dirname), { what: import.meta.filename });
  t.throws(() => read('view missing.png'), { instanceOf: Refused, message: /no file/ });
});

test('--json is asked of the command line, not of the command', (t) => {
  const chosen = parse('status --json');
  t.true('command' in chosen && chosen.json);
  t.deepEqual('command' in chosen && chosen.typed, { arguments: [], options: {} });
});
