/** Unlocks two views ahead and dies by kill -9 between the debit and storing them: `node prepay.process.js FOLDER GRANT`. */
import { createEngine } from '../../../client/create-engine.js';
import { openVault } from '../../../client/vault/vault.js';

const [folder, grant] = process.argv.slice(2) as [string, string];
const vault = openVault(folder);
vault.prepaid.keep = () => process.kill(process.pid, 'SIGKILL');
await createEngine({ vault }).prepay(grant, 2);
