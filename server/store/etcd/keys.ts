/** Keys and rows of the store below one prefix of etcd, so that others may use the same etcd. */
import type { KeyValue } from '../../../gen/etcd/mvccpb/kv_pb.js';
import type { Row } from '../store.js';

export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

export class Keys {
  readonly #below: string;

  /** `below` is ASCII and ends with a slash. */
  constructor(below: string) {
    this.#below = below;
  }

  toEtcd(key: string): Uint8Array {
    return Buffer.from(this.#below + key, 'latin1');
  }

  row({ key, value, modRevision }: KeyValue): Row {
    const text = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
    return {
      key: text.toString('latin1', this.#below.length),
      // A copy: the value is a part of a message, all of which would stay in memory with it.
      value: value.slice(),
      revision: Number(modRevision),
    };
  }

  /** What begins with the prefix and comes after `after`; undefined if that can be nothing. */
  range(prefix: string, after = ''): KeyRange | undefined {
    const key = after !== '' && after >= prefix ? this.toEtcd(`${after}\0`) : this.toEtcd(prefix);
    const rangeEnd = Uint8Array.from(this.toEtcd(prefix));
    // Keys are ASCII, so the last byte can always be one more.
    rangeEnd[rangeEnd.length - 1]! += 1;
    return Buffer.compare(key, rangeEnd) < 0 ? { key, rangeEnd } : undefined;
  }
}
