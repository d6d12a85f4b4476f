import test from 'ava';
import { Refused } from '../../../core/rpc/errors.js';
import { Discovery } from '../../../gen/glimpse/v1/discovery_pb.js';
import { Election } from '../../../gen/glimpse/v1/election_pb.js';
import { Enrolment } from '../../../gen/glimpse/v1/enrolment_pb.js';
import { Reason } from '../../../gen/glimpse/v1/error_pb.js';
import { Stego } from '../../../gen/glimpse/v1/stego_pb.js';
import { RATES, RATE_LIMITS } from '../../../server/rates/limits.js';
import { Rates } from '../../../server/rates/rates.js';

function ratesAt(clock = { ms: 0 }) {
  const rates = new Rates(() => clock.ms);
  const often = (method: string, caller: string, times: number): void => {
    for (let call = 0; call < times; call += 1) rates.count(method, caller);
  };
  return { rates, often, clock };
}

test('a caller that asks too often is told how long to wait, and is let in then', (t) => {
  const { rates, often, clock } = ratesAt();
  const { perSecond, burst } = RATES['ReportOffline']!;
  often('ReportOffline', 'mallory', burst);
  const error = t.throws(() => rates.count('ReportOffline', 'mallory'), { instanceOf: Refused });
  t.is(error.reason, Reason.TRY_LATER);
  t.deepEqual(error.metadata, { limit: 'ReportOffline a second', value: String(perSecond) });
  clock.ms += error.retryAfterMs!;
  t.notThrows(() => rates.count('ReportOffline', 'mallory'));
});

test('others, and other methods, are not hurt', (t) => {
  const { rates, often } = ratesAt();
  often('Elect', 'mallory', RATES['Elect']!.burst);
  t.throws(() => rates.count('Elect', 'mallory'));
  t.notThrows(() => rates.count('Elect', 'alice'));
  t.notThrows(() => rates.count('Unlock', 'mallory'));
});

test('what has no rate of its own shares one', (t) => {
  const { rates, often } = ratesAt();
  const { burst } = RATES['Others']!;
  often('LookUp', 'mallory', burst / 2);
  often('constructor', 'mallory', burst / 2);
  t.throws(() => rates.count('List', 'mallory'));
});

test('buckets are bounded: who called longest ago is forgotten', (t) => {
  const { rates, often } = ratesAt();
  often('Renew', 'mallory', RATES['Renew']!.burst);
  for (let caller = 0; caller < RATE_LIMITS.callersMax; caller += 1) rates.count('Renew', `c${caller}`);
  t.notThrows(() => rates.count('Renew', 'mallory'));
});

test('every rate is of a method that there is', (t) => {
  const methods = [Discovery, Election, Enrolment, Stego].flatMap((service) =>
    service.methods.map(({ name }) => name),
  );
  t.deepEqual(
    Object.keys(RATES).filter((name) => name !== 'Others' && !methods.includes(name)),
    [],
  );
});
