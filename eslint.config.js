import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import purePaths from './tools/pure-paths.cjs';

const global = (message, ...names) => names.map((name) => ({ name, message }));
const clock = global('Time is an event or an argument here.', 'Date', 'performance');
const timers = global(
  'The driver keeps the timers; ask for one with an effect.',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
);
const outside = global(
  'Pure files take what they need as arguments and return what they decide.',
  'process',
  'console',
  'fetch',
  'crypto',
  'WebSocket',
  'globalThis',
);
const chance = [{ object: 'Math', property: 'random', message: 'Chance is an argument: seeded in tests.' }];
const clockProperties = [
  { object: 'AbortSignal', property: 'timeout', message: 'The driver keeps the timers.' },
];

const drawnBytes = {
  selector:
    'ImportSpecifier[imported.name=/^(random(Bytes|Int|UUID|Fill|FillSync)|generateKey(Pair)?(Sync)?|webcrypto)$/]',
  message: 'Nonces and keys are arguments, so that vectors can be reproduced.',
};
const asynchrony = [
  { selector: ':function[async=true]', message: 'Pure files answer at once.' },
  { selector: 'ForOfStatement[await=true]', message: 'Pure files answer at once.' },
  { selector: 'AwaitExpression', message: 'Pure files answer at once.' },
];
/** What erasableSyntaxOnly would refuse, were the generated code not full of enums. */
const unerasable = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of strings.' },
  { selector: 'TSParameterProperty', message: 'Declare the field and assign it.' },
  { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'A file is a namespace.' },
];

export default defineConfig(
  globalIgnores(['dist/', 'gen/', 'proto/', 'docs/']),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-constant-binary-expression': 'error',
      'no-control-regex': 'error',
      'no-debugger': 'error',
      'no-dupe-else-if': 'error',
      'no-duplicate-case': 'error',
      'no-empty': 'error',
      'no-loss-of-precision': 'error',
      'no-param-reassign': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-unreachable-loop': 'error',
      'no-unsafe-finally': 'error',
      'no-unused-vars': 'error',
      'no-useless-assignment': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-unused-vars': 'off',
      'no-restricted-syntax': ['error', ...unerasable],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      // An index just checked, or a buffer of known length, is not worth a branch that cannot be tested.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // An interface may promise what one of its implementations has at once.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: purePaths.pure.map((glob) => `${glob}/*.ts`),
    rules: {
      'no-restricted-globals': ['error', ...clock, ...timers, ...outside],
      'no-restricted-properties': ['error', ...chance, ...clockProperties],
      'no-restricted-syntax': ['error', ...unerasable, ...asynchrony, drawnBytes],
    },
  },
  {
    files: purePaths.timeless.map((glob) => `${glob}/*.ts`),
    rules: {
      'no-restricted-globals': ['error', ...clock, ...timers],
      'no-restricted-properties': ['error', ...chance, ...clockProperties],
    },
  },
  {
    // The edges that speak to a person.
    files: ['**/main.ts', 'client/commands/**', 'bench/**', 'chaos/**', 'demo/**', 'tools/**'],
    rules: { 'no-console': 'off' },
  },
);
