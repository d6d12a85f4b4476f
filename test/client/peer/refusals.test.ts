import test from 'ava';
import { CloudUnreachable } from '../../../client/cloud/failover.js';
import { asRefused } from '../../../client/peer/service.js';
import { VaultError } from '../../../client/vault/failures.js';
import { FormatError } from '../../../core/format-error.js';
import { Unreachable } from '../../../core/rpc/errors.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';

test('a peer is told that a disk is full, and when to come back, and no other trouble of a vault', (t) => {
  const told: string[] = [];
  const refusalOf = (error: Error) => asRefused(error, (line) => told.push(line));
  const full = refusalOf(new VaultError('full', 'the disk of the folder of alice is full'));
  t.is(full?.reason, Reason.TRY_LATER);
  t.true(full!.retryAfterMs! > 0);
  t.notRegex(full!.message, /alice/);
  t.deepEqual(told, ['the disk of the folder of alice is full']);
  t.is(refusalOf(new VaultError('damaged', 'the vault is damaged')), undefined);
  t.is(refusalOf(new FormatError('png', 'no PNG'))?.reason, Reason.INVALID_REQUEST);
});

test('a peer is told that the cloud is gone, and not which servers it has', (t) => {
  const told: string[] = [];
  const gone = new CloudUnreachable('The cloud cannot be reached (192.0.2.7:7610).');
  const refusal = asRefused(gone, (line) => told.push(line));
  t.is(refusal?.reason, Reason.CLOUD_UNREACHABLE);
  t.notRegex(refusal!.message, /192/);
  t.deepEqual(told, [gone.message]);
  t.is(
    asRefused(new Unreachable('The picture broke off.'), t.log),
    undefined,
    'which the peer did, not the cloud',
  );
});
