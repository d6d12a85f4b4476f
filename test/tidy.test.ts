/**
 * Style as a test: the habits that no linter knows. Each rule names what to do instead and carries a sample that
 * it must refuse, so that a rule which has stopped working fails too.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';

interface Rule {
  readonly files: RegExp;
  readonly banned: RegExp;
  readonly instead: string;
  readonly sample: string;
}

const source = /\.(?:ts|js|cjs|mjs|proto|ya?ml|sh)$/;
const tests = /^test\/.*\.ts$/;

const rules: readonly Rule[] = [
  {
    files: source,
    banned: /\b(?:TODO|FIXME|XXX|HACK)\b/,
    instead: 'do it now, or write it down in docs/',
    sample: '// TODO: later',
  },
  {
    files: tests,
    banned: /\.(?:only|skip|todo)\(/,
    instead: 'run it, or delete it; a missing tool is a t.log and a pass',
    sample: "test.only('one', (t) => t.pass());",
  },
  {
    files: tests,
    banned: /\b(?:setTimeout|setInterval)\(|timers\/promises/,
    instead: 'wait for the event itself, or drive the clock',
    sample: 'setTimeout(resolve, 100);',
  },
  {
    files: /\.(?:ts|js|cjs|mjs)$/,
    banned: /eslint-disable(?!.* -- \S)|@ts-(?:ignore|nocheck)/,
    instead: 'disable one rule on one line, and say why after " -- "',
    sample: '// eslint-disable-next-line no-console',
  },
  {
    files: /(?:\.(?:ts|js|cjs|mjs|json|md|proto|ya?ml|sh)|^\.ci\/run)$/,
    banned: /(?<![\w.~}-])\/(?:Users|home|root|tmp|work)\//,
    instead: 'a path relative to the repository, os.tmpdir() or ~',
    sample: "readFileSync('/home/alice/photo.jpg');",
  },
  {
    files: /^(?:core|server|client)\/.*\.ts$/,
    banned: /\.export\([^)]*jwk/,
    instead: 'publicBytes or privateBytes: Node may wait for ever for a JWK of a key that was just drawn',
    sample: "key.export({ format: 'jwk' })",
  },
  {
    files: /^(?:core|server|client)\/.*\.ts$/,
    banned: /(?<!\*\/|\/\/[^\n]*)\nexport const \w+(?:Max|Min|Ms|Bytes|Count)\b/,
    instead: 'say above an exported limit where its value comes from and what either direction costs',
    sample: '\nexport const leaseMs = 3000;',
  },
];

const names = /(?:^|\/)(?:utils?|helpers?|managers?|misc|common|shared|stuff)(?:\/|\.[jt]s$)/i;
const linesMax = 400;

const self = 'test/tidy.test.ts';
const root = process.cwd();
const files = tracked().filter((file) => file !== self && existsSync(path.join(root, file)));
const texts = new Map(
  files
    .filter((file) => source.test(file) || rules.some((rule) => rule.files.test(file)))
    .filter((file) => file !== 'package-lock.json')
    .map((file) => [file, readFileSync(path.join(root, file), 'utf8')]),
);

/** What git knows and what it would add; without git (a tarball), whatever is here. */
function tracked(): string[] {
  try {
    const out = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [...new Set(out.split('\0').filter((file) => file !== ''))];
  } catch {
    return readdirSync(root, { recursive: true, encoding: 'utf8' })
      .map((file) => file.split(path.sep).join('/'))
      .filter((file) => /\.\w+$|^\.ci\/run$/.test(file) && !/^(?:node_modules|dist|gen|\.git)\//.test(file));
  }
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index + 1).split('\n').length;
}

for (const rule of rules) {
  test(`${String(rule.banned)}: ${rule.instead}`, (t) => {
    t.regex(rule.sample, rule.banned, 'the rule no longer refuses its own sample');
    for (const [file, text] of texts) {
      const found = rule.files.test(file) ? rule.banned.exec(text) : null;
      if (found) t.fail(`${file}:${lineOf(text, found.index)}: ${rule.instead}`);
    }
  });
}

test('files are named after what they do', (t) => {
  t.regex('core/utils.ts', names);
  t.regex('client/helpers/dial.ts', names);
  t.deepEqual(
    // Commands are called what they are called.
    files.filter((file) => source.test(file) && names.test(file) && !file.startsWith('client/commands/')),
    [],
  );
});

test(`no source file is longer than ${linesMax} lines`, (t) => {
  const long = [...texts]
    .filter(([file]) => /\.[cm]?[jt]s$/.test(file))
    .map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax);
  t.deepEqual(long, [], 'split it where its sections are');
});

test('there is something to be tidy about', (t) => {
  t.true(texts.has('package.json') && texts.has('tsconfig.json') && texts.has('tools/deps.js'));
});

/** What stands before the colon in the titles of a file's tests. */
function attackersIn(file: string): string[] {
  const titles = (texts.get(file) ?? '').matchAll(/^test\.serial\(\s*'([^:\n]+): /gm);
  return [...titles].map(([, who]) => who!.replaceAll('’', "'"));
}

test('every row of the threat model is tried by a test named after it, and every attack has its row', (t) => {
  const rows = readFileSync(path.join(root, 'docs/threat-model.md'), 'utf8').matchAll(
    /^\| (?!who |---)([^|]+) \|.*\(\.\.\/(test\/[^)]+)\) \|$/gm,
  );
  const tried = new Map([...rows].map(([, who, file]) => [who!, file!]));
  t.true(tried.size > 0);
  for (const [who, file] of tried) t.true(attackersIn(file).includes(who), `${file} has no test "${who}: …"`);
  for (const file of files.filter((each) => /^test\/system\/attacks\/.*\.test\.ts$/.test(each)))
    for (const who of attackersIn(file)) t.is(tried.get(who), file, 'an attack without a row');
});

test('the advisories that were answered are of the versions that are installed', (t) => {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const rows = [
    ...readFileSync(path.join(root, 'docs/dependencies.md'), 'utf8').matchAll(
      /^\| (?!package |---)(\S+) \| (\S+) \|/gm,
    ),
  ];
  t.true(rows.length > 0);
  for (const [, name, version] of rows)
    t.is(packages[`node_modules/${name}`]?.version, version, `${name}: look at its advisories again`);
});
