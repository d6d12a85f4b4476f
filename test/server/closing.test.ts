import test from 'ava';
import { Closing } from '../../server/closing.js';

test('what was opened last is closed first, and all of it', async (t) => {
  const closing = new Closing();
  const closed: string[] = [];
  closing.add('first', () => closed.push('first'));
  closing.add('second', () => Promise.reject(new Error('it is stuck')));
  closing.add('third', async () => closed.push('third'));
  const failed: string[] = [];
  await closing.close((what, error) => failed.push(`${what}: ${String(error)}`));
  t.deepEqual(closed, ['third', 'first']);
  t.deepEqual(failed, ['second: Error: it is stuck']);
  await closing.close(() => t.fail());
  t.deepEqual(closed, ['third', 'first']);
});
