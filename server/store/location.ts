/** Where the store is: `etcd://HOST[:PORT],...[/PREFIX]`, or, where nothing is said, a file in the folder of the cloud. */
import { formatAddress, parseAddress } from '../../core/address.js';

export interface EtcdLocation {
  /** host:port */
  readonly members: readonly string[];
  /** Everything is stored below it; ends with a slash. */
  readonly prefix: string;
}

export const LOCATION_LIMITS = {
  /** Members of one etcd: it advises seven, and each costs every server a connection. */
  membersMax: 9,
  /** Characters of the prefix, which stands before every key. */
  prefixLengthMax: 64,
} as const;

const pattern = /^etcd:\/\/([^/@\s]+)(?:\/([a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?)?)?$/i;
const portOfEtcd = 2379;

/** The location, or undefined if the text is none. */
export function parseEtcdLocation(text: string): EtcdLocation | undefined {
  const found = pattern.exec(text);
  const prefix = found?.[2] ?? 'glimpse';
  const members = (found?.[1] ?? '').split(',').map(memberOf);
  if (members.length > LOCATION_LIMITS.membersMax || prefix.length > LOCATION_LIMITS.prefixLengthMax) {
    return undefined;
  }
  const named = members.filter((member) => member !== undefined);
  return named.length === members.length ? { members: named, prefix: `${prefix}/` } : undefined;
}

function memberOf(text: string): string | undefined {
  const address = parseAddress(text) ?? parseAddress(`${text}:${portOfEtcd}`);
  return address && address.port > 0 ? formatAddress(address) : undefined;
}
