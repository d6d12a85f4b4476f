/** Network addresses as people and messages write them: host:port, [IPv6]:port. Nothing else, no schemes. */
import { isIPv6 } from 'node:net';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)):(0|[1-9][0-9]{0,4})$/i;

/** The address, or undefined if the text is none. Port 0 stands for any free port. */
export function parseAddress(text: string): Address | undefined {
  const found = pattern.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined || port > 65_535 || (found?.[1] !== undefined && !isIPv6(host))) return undefined;
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
