import test from 'ava';
import { createLog, LOG_LIMITS } from '../../server/log.js';

test('a line is one JSON object, however long or broken what it tells', (t) => {
  const lines: string[] = [];
  const log = createLog(
    (line) => lines.push(line),
    () => new Date(0),
    { server: 's1' },
  );
  log('warn', 'call failed', { method: 'Hide', cause: `first\nsecond ${'x'.repeat(10_000)}`, count: 3 });
  log('info', 'ready');
  t.is(lines.length, 2);
  t.true(lines.every((line) => line.indexOf('\n') === line.length - 1));
  const [failed, ready] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(failed, {
    time: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    event: 'call failed',
    server: 's1',
    count: 3,
  });
  t.is((failed!['cause'] as string).length, LOG_LIMITS.textMax);
  t.deepEqual(ready, { time: '1970-01-01T00:00:00.000Z', level: 'info', event: 'ready', server: 's1' });
});
