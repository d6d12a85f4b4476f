const { pure, timeless } = require('./tools/pure-paths.cjs');

const fromGlob = (glob) =>
  '^' +
  glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\/\*\*$|\*/g, (star) => ({ '**/': '(|.*/)', '/**': '/.*' })[star] ?? '[^/]*');

const ioModules = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'os',
  'process',
  'readline',
  'repl',
  'timers',
  'tls',
  'tty',
  'vm',
  'worker_threads',
].map((name) => `^(node:)?${name}(/|$)`);
const ioPackages = [
  '@grpc',
  'better-sqlite3',
  'env-paths',
  'grpc-health-check',
  'log-update',
  'open',
  'p-limit',
  'p-retry',
  'piscina',
  'sharp',
  'systeminformation',
].map((name) => `node_modules/${name}/`);

const direction = (name, comment, from, to, only = {}) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to, ...only },
});

/** gen <- core <- server | client; tests see all; only main.ts starts anything. */
module.exports = {
  forbidden: [
    direction(
      'gen-is-the-bottom',
      'Generated code knows only its runtime.',
      '^gen/',
      '^(core|server|client|bench|chaos|demo|test)/',
    ),
    direction(
      'core-knows-no-side',
      'Both sides build on core; it builds on gen.',
      '^core/',
      '^(server|client|bench|chaos|demo|test)/',
    ),
    direction(
      'server-stands-alone',
      'They meet on the wire.',
      '^server/',
      '^(client|bench|chaos|demo|test)/',
    ),
    direction(
      'client-stands-alone',
      'They meet on the wire.',
      '^client/',
      '^(server|bench|chaos|demo|test)/',
    ),
    direction(
      'bench-measures-the-product',
      'Not its tests; people and processes are the demo’s.',
      '^bench/',
      '^test/',
    ),
    direction(
      'chaos-breaks-the-product',
      'Not its tests; people, processes and networks are the demo’s, figures and charts the bench’s.',
      '^chaos/',
      '^test/',
    ),
    direction('bench-breaks-nothing', 'It measures what works.', '^bench/', '^chaos/'),
    direction(
      'demo-starts-processes',
      'It shows the product from outside; core is shared vocabulary.',
      '^demo/',
      '^(server|bench|chaos|test)/',
    ),
    direction('demo-borrows-types', 'Of the client, types alone.', '^demo/', '^client/', {
      dependencyTypesNot: ['type-only'],
    }),
    direction('main-is-run-not-imported', 'Importing it would start a process.', '^', '/main\\.ts$'),
    {
      name: 'no-circular',
      comment: 'Files that need each other are one file, or hide a third.',
      severity: 'error',
      from: { pathNot: '^gen/' },
      to: { circular: true },
    },
    {
      name: 'no-dead-files',
      comment: 'What only its own test imports is not in the product. Only main.ts and workers are entries.',
      severity: 'error',
      from: { pathNot: '^test/' },
      module: {
        path: '^(core|server|client)/',
        pathNot: '(/main|\\.worker|\\.d)\\.ts$',
        numberOfDependentsLessThan: 1,
      },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing imports it and it imports nothing.',
      severity: 'error',
      from: { orphan: true, pathNot: ['(^|/)main\\.ts$', '\\.worker\\.ts$', '^test/', '^gen/'] },
      to: {},
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that resolves to nothing escapes every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'production-needs-no-dev-package',
      comment: 'It would be missing from an installed package.',
      severity: 'error',
      from: { path: '^(core|server|client)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: '/@types/' },
    },
    {
      name: 'pure-reaches-nothing-outside',
      comment: 'Not even through a file it imports: see tools/pure-paths.cjs.',
      severity: 'error',
      from: { path: [...pure, ...timeless].map(fromGlob) },
      to: { path: [...ioModules, ...ioPackages], reachable: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
