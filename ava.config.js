/** The quick tests. Files run two at a time, each in a process of its own: native modules are in play. */
export default {
  files: ['dist/test/**/*.test.js', '!dist/test/system/**'],
  workerThreads: false,
  concurrency: 2,
  timeout: '2m',
  nodeArguments: ['--enable-source-maps'],
};
