import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { EXIT, exitCodeOf, REFUSALS, Refused, Unreachable } from '../../../core/rpc/errors.js';
import type { Refusal } from '../../../core/rpc/errors.js';
import { RPC_LIMITS } from '../../../core/rpc/limits.js';
import { fromStatus, toStatus } from '../../../core/rpc/status.js';

const reasons = Object.values(Reason).filter(
  (reason): reason is Refusal => typeof reason === 'number' && reason !== Reason.UNSPECIFIED,
);
const asError = (of: { code: status; details: string; metadata: Metadata }): ServiceError =>
  Object.assign(new Error(of.details), of);

test('every refusal comes back as it went', (t) => {
  const words = fc.string({ maxLength: 200, unit: 'binary' });
  // Maps are plain objects in protobuf-es, and so cannot have this key.
  const keys = words.filter((word) => word !== '__proto__');
  const violation = fc.record({ field: words, description: words });
  fc.assert(
    fc.property(
      fc.constantFrom(...reasons),
      words,
      fc.dictionary(keys, words, { maxKeys: 4, noNullPrototype: true }),
      fc.array(violation, { maxLength: 8 }),
      fc.option(fc.integer({ min: 0, max: RPC_LIMITS.retryAfterMsMax }), { nil: undefined }),
      (reason, message, metadata, violations, retryAfterMs) => {
        const sent = toStatus(new Refused(reason, message, metadata, { violations, retryAfterMs }));
        const back = fromStatus(asError(sent));
        t.true(back instanceof Refused);
        t.is(sent.code, REFUSALS[reason].status);
        t.is(back.message, message);
        t.is((back as Refused).reason, reason);
        t.deepEqual((back as Refused).metadata, metadata);
        const fields = (back as Refused).violations.map(({ field, description }) => ({ field, description }));
        t.deepEqual(fields, violations);
        t.is((back as Refused).retryAfterMs, retryAfterMs);
      },
    ),
  );
});

test('details that are none are ignored, and nothing is known then', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const metadata = new Metadata();
      metadata.set('grpc-status-details-bin', Buffer.from(bytes));
      t.true(
        fromStatus(asError({ code: status.UNAVAILABLE, details: 'x', metadata })) instanceof Unreachable,
      );
    }),
  );
});

test('a wait that is told is bounded', (t) => {
  const told = (retryAfterMs: number) =>
    fromStatus(asError(toStatus(new Refused(Reason.TRY_LATER, 'busy', {}, { retryAfterMs }))));
  t.like(told(1e12), { retryAfterMs: RPC_LIMITS.retryAfterMsMax });
  t.like(told(-1e12), { retryAfterMs: 0 });
});

test('statuses of the transport are no refusals, but for two that repeat themselves', (t) => {
  const plain = (code: status) => fromStatus(asError({ code, details: '', metadata: new Metadata() }));
  const { UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, INTERNAL, UNKNOWN, UNIMPLEMENTED, RESOURCE_EXHAUSTED } =
    status;
  for (const code of [UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, INTERNAL, UNKNOWN]) {
    t.true(plain(code) instanceof Unreachable, status[code]);
  }
  t.like(plain(UNIMPLEMENTED), { reason: Reason.INTERNAL });
  t.like(plain(RESOURCE_EXHAUSTED), { reason: Reason.LIMIT_EXCEEDED });
});

test('a reason of a later version is a failure of the other side', (t) => {
  const known = toStatus(new Refused(Reason.REVOKED, 'no'));
  const [details] = known.metadata.get('grpc-status-details-bin') as [Buffer];
  const later = Buffer.from(details.toString('latin1').replace('REVOKED', 'REVOQUE'), 'latin1');
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', later);
  t.like(fromStatus(asError({ ...known, metadata })), { reason: Reason.INTERNAL, message: 'no' });
});

test('exit codes', (t) => {
  t.is(exitCodeOf(new Refused(Reason.REVOKED, '')), EXIT.noView);
  t.is(exitCodeOf(new Refused(Reason.UNKNOWN_PEER, '')), EXIT.unknown);
  t.is(exitCodeOf(new Unreachable('')), EXIT.unreachable);
  t.is(exitCodeOf(new Error('')), EXIT.failed);
  t.is(exitCodeOf('?'), EXIT.failed);
});

test('docs/protocol.md has the same table', (t) => {
  const rows = readFileSync('docs/protocol.md', 'utf8').matchAll(
    /^\| `([A-Z_]+)` \| `([A-Z_]+)` \| (\d) \|/gm,
  );
  const documented: Record<string, string> = {};
  for (const [, reason = '', code = '', exit = ''] of rows) documented[reason] = `${code} ${exit}`;
  const coded = Object.fromEntries(
    reasons.map((reason) => [Reason[reason], `${status[REFUSALS[reason].status]} ${REFUSALS[reason].exit}`]),
  );
  t.deepEqual(documented, coded);
});
