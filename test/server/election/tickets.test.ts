import test from 'ava';
import fc from 'fast-check';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { SignedTicketSchema, TicketSchema } from '../../../gen/glimpse/v1/election_pb.js';
import type { SignedTicket } from '../../../gen/glimpse/v1/election_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { checkTicket, makeTicket } from '../../../server/election/tickets.js';
import type { TicketUse } from '../../../server/election/tickets.js';

const secret = new Uint8Array(32).fill(7);
const ticket = create(TicketSchema, {
  requestId: new Uint8Array(16).fill(1),
  ownerFingerprint: new Uint8Array(32).fill(2),
  leader: 's1',
  sealedBytes: 1000,
  deadline: timestampFromMs(2000),
  epoch: { counter: 3, minter: 's2' },
  hop: 4,
  index: 5,
  grantedBy: 's3',
});
const signed = makeTicket(ticket, { secretId: 2, secret });
const use: TicketUse = {
  secrets: new Map([[2, secret]]),
  leader: 's1',
  ownerFingerprint: new Uint8Array(32).fill(2),
  sealedBytes: 1000,
  nowMs: 1999,
};

test('a ticket is good for what it was granted for', (t) => {
  const checked = checkTicket(signed, use);
  t.true(checked.ok);
  t.like(checked.ok ? checked.ticket : undefined, { leader: 's1', secretId: 2, hop: 4, index: 5 });
});

const refused = test.macro((t, given: SignedTicket, change: Partial<TicketUse>, reason: Reason) => {
  t.deepEqual(checkTicket(given, { ...use, ...change }) as unknown, { ok: false, reason });
});
test('not at another leader', refused, signed, { leader: 's2' }, Reason.BAD_TICKET);
test('not for another size', refused, signed, { sealedBytes: 999 }, Reason.BAD_TICKET);
test('not for another owner', refused, signed, { ownerFingerprint: new Uint8Array(32) }, Reason.BAD_TICKET);
test('not under a secret the cluster lacks', refused, signed, { secrets: new Map() }, Reason.BAD_TICKET);
test(
  'not under another secret',
  refused,
  signed,
  { secrets: new Map([[2, new Uint8Array(32)]]) },
  Reason.BAD_TICKET,
);
test('not past its deadline', refused, signed, { nowMs: 2000 }, Reason.TICKET_STALE);
test(
  'not without a MAC',
  refused,
  create(SignedTicketSchema, { ticket: signed.ticket }),
  {},
  Reason.BAD_TICKET,
);

test('no change to a byte goes unseen', (t) => {
  const bytes = fc.record({
    part: fc.constantFrom('ticket' as const, 'mac' as const),
    at: fc.nat(),
    flip: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(bytes, ({ part, at, flip }) => {
      const changed = Uint8Array.from(signed[part]);
      const index = at % changed.length;
      changed[index] = changed[index]! ^ flip;
      const forged = create(SignedTicketSchema, { ...signed, [part]: changed });
      t.deepEqual(checkTicket(forged, use) as unknown, { ok: false, reason: Reason.BAD_TICKET });
    }),
  );
});
