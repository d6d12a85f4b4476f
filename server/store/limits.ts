/**
 * The checks that every engine makes before it touches anything: docs/architecture.md, "State". A call that
 * fails one is a bug of the caller, hence RangeError and not a refusal.
 */
import { STORE_LIMITS } from './store.js';
import type { Compare, Range, Write } from './store.js';

const printable = /^[\x21-\x7e]*$/;

/** @throws RangeError */
export function checkKey(key: string): void {
  if (key.length === 0 || key.length > STORE_LIMITS.keyBytesMax || !printable.test(key)) {
    throw new RangeError(
      `${JSON.stringify(key.slice(0, 80))} is no key: 1 to ${STORE_LIMITS.keyBytesMax} printable ASCII characters`,
    );
  }
}

/** @throws RangeError */
export function checkKeys(keys: readonly string[]): void {
  if (keys.length > STORE_LIMITS.transactionOperationsMax) {
    throw new RangeError(
      `${keys.length} keys; at most ${STORE_LIMITS.transactionOperationsMax} are read at once`,
    );
  }
  for (const key of keys) checkKey(key);
}

/** An empty prefix stands for all keys. @throws RangeError */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix);
}

/** @throws RangeError */
export function checkRange({ prefix, after, limit }: Range): void {
  checkPrefix(prefix);
  if (after !== undefined && after !== '') checkKey(after);
  if (limit === undefined) return;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > STORE_LIMITS.listRowsMax) {
    throw new RangeError(`a list is limited to 1 to ${STORE_LIMITS.listRowsMax} rows, not ${limit}`);
  }
}

/** @throws RangeError */
export function checkTtl(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1)
    throw new RangeError(`a lease lives 1 ms or more, not ${ttlMs}`);
}

/** @throws RangeError */
export function checkTransaction(compares: readonly Compare[], writes: readonly Write[]): void {
  const operations = compares.length + writes.length;
  if (operations > STORE_LIMITS.transactionOperationsMax) {
    throw new RangeError(
      `${operations} operations; a transaction has at most ${STORE_LIMITS.transactionOperationsMax}`,
    );
  }
  for (const { key } of compares) checkKey(key);
  const keys = new Set<string>();
  let bytes = 0;
  for (const write of writes) {
    checkKey(write.key);
    if (keys.has(write.key)) throw new RangeError(`a transaction writes ${write.key} once at most`);
    keys.add(write.key);
    bytes += write.key.length;
    if (write.type === 'put') bytes += checkedValueBytes(write.key, write.value);
  }
  if (bytes > STORE_LIMITS.transactionBytesMax) {
    throw new RangeError(`${bytes} bytes; a transaction has at most ${STORE_LIMITS.transactionBytesMax}`);
  }
}

function checkedValueBytes(key: string, value: Uint8Array): number {
  if (value.length > STORE_LIMITS.valueBytesMax) {
    throw new RangeError(
      `the value of ${key} has ${value.length} bytes; at most ${STORE_LIMITS.valueBytesMax} are stored`,
    );
  }
  return value.length;
}
