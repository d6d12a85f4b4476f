/**
 * The files that compute and do nothing else: time, chance, bytes from the disk and replies from the network
 * reach them as arguments. ESLint refuses the globals there, dependency-cruiser the imports; both read this.
 */
module.exports = {
  /** No clock, randomness, process, console or async, and no import that reaches the outside. */
  pure: [
    'core/carrier/layout/**',
    'core/rights/rules/**',
    'server/election/ring/**',
    'server/election/simulator/**',
    'server/**/rules/**',
    'client/**/rules/**',
    'client/gallery/scenes/**',
    'chaos/rules/**',
  ],
  /** Ciphers need node:crypto and WebCrypto's promises; nonces and keys are arguments all the same. */
  timeless: ['core/seal/**', 'core/rights/**'],
};
