/** Whole processes on loopback. One file at a time: each starts several servers and clients. */
export default {
  files: ['dist/test/system/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  timeout: '5m',
  nodeArguments: ['--enable-source-maps'],
};
