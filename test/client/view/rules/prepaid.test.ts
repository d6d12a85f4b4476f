import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import test from 'ava';
import { clockBackMsMax, refusePrepaid } from '../../../../client/view/rules/prepaid.js';
import type { PrepaidCase } from '../../../../client/view/rules/prepaid.js';
import { Reason } from '../../../../gen/glimpse/v1/error_pb.js';
import { rightsOf } from '../../../core/rights/samples.js';

interface Case extends Partial<Omit<PrepaidCase, 'rights'>> {
  readonly rights?: Parameters<typeof rightsOf>[0];
}

const is = test.macro({
  exec(t, { rights = {}, ...more }: Case, expected: Reason | undefined) {
    const given = { ordinal: 1, nowMs: 1_000_000, clockMarkMs: 900_000, ...more };
    t.is<Reason | undefined, Reason | undefined>(
      refusePrepaid({ ...given, rights: rightsOf(rights) }),
      expected,
    );
  },
  title: (name) => name!,
});

const at = (ms: number) => ({ expiresAt: timestampFromMs(ms) });

test('a view that is left', is, {}, undefined);
test('the last of the quota', is, { ordinal: 3 }, undefined);
test('the owner allows fewer by now', is, { ordinal: 4 }, Reason.VIEWS_SPENT);
test('revoked', is, { rights: { revoked: true } }, Reason.REVOKED);
test('before it expires', is, { rights: at(1_000_001) }, undefined);
test('expired this moment', is, { rights: at(1_000_000) }, Reason.EXPIRED);
test(
  'expired before the clock was set back',
  is,
  { rights: at(950_000), nowMs: 940_000, clockMarkMs: 950_000 },
  Reason.EXPIRED,
);
test('a clock that was corrected by a little', is, { nowMs: 900_000 - clockBackMsMax }, undefined);
test('a clock that was set back', is, { nowMs: 900_000 - clockBackMsMax - 1 }, Reason.CLOCK_SET_BACK);
