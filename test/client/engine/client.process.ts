/** A client that is up in a process of its own, so that it can be stopped and killed: `node client.process.js FOLDER [GALLERY]`. */
import { createEngine } from '../../../client/create-engine.js';
import { openVault } from '../../../client/vault/vault.js';

const vault = openVault(process.argv[2]!);
const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
const engine = createEngine({ vault, tell: (told) => say({ told }) });
const [gallery] = process.argv.slice(3);
const up = await engine.up({
  ...(gallery !== undefined && { gallery }),
  listen: { host: '127.0.0.1', port: 0 },
  views: 2,
  mode: 'strict',
  cover: 'preview',
  open: false,
});
say({ ready: up.address });
