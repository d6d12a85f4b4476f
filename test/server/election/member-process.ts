/** A member in a process of its own, to be killed and stopped: started with its parts in a message. */
import { createPrivateKey } from 'node:crypto';
import { openSqliteStore } from '../../../server/store/sqlite.js';
import { startMember } from './member.js';

export interface Parts {
  readonly id: string;
  readonly directory: string;
  readonly authority: string;
  readonly certificate: string;
  /** PKCS#8, PEM. */
  readonly privateKey: string;
}

process.once('message', (message) => {
  start(message as Parts).catch((error: unknown) => {
    process.send!({ failed: String(error) });
  });
});

async function start({ id, directory, authority, certificate, privateKey }: Parts): Promise<void> {
  const store = await openSqliteStore({ directory });
  const identity = {
    authority: Buffer.from(authority, 'base64'),
    certificate: Buffer.from(certificate, 'base64'),
    privateKey: createPrivateKey(privateKey),
  };
  const { address } = await startMember(id, store, identity, () => undefined);
  process.send!({ address });
}
