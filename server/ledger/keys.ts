/** The keys of the ledger's rows: docs/architecture.md, "State". */

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const minuteMs = 60_000;

export const keys = {
  rights: (grant: Uint8Array) => `rights/${hex(grant)}`,
  tally: (grant: Uint8Array) => `tally/${hex(grant)}`,
  logs: (grant: Uint8Array) => `log/${hex(grant)}/`,
  log: (grant: Uint8Array, sequence: number) => keys.logs(grant) + String(sequence).padStart(8, '0'),
  allViews: 'view/',
  view: (grant: Uint8Array, view: Uint8Array) => `${keys.allViews}${hex(grant)}/${hex(view)}`,
  allRefusals: 'refusal/',
  refusals: (grant: Uint8Array) => `${keys.allRefusals}${hex(grant)}/`,
  refusal: (grant: Uint8Array, nowMs: number) =>
    keys.refusals(grant) + String(Math.floor(nowMs / minuteMs)).padStart(10, '0'),
  given: (owner: Uint8Array, grant: Uint8Array) => keys.ofOwner(owner) + hex(grant),
  ofOwner: (owner: Uint8Array) => `given/${hex(owner)}/`,
  held: (viewer: Uint8Array, grant: Uint8Array) => keys.ofViewer(viewer) + hex(grant),
  ofViewer: (viewer: Uint8Array) => `held/${hex(viewer)}/`,
  untaken: (viewer: Uint8Array, owner: Uint8Array) => `untaken/${hex(viewer)}/${hex(owner)}`,
  pair: (viewer: Uint8Array, owner: Uint8Array, image: Uint8Array) =>
    `pair/${hex(viewer)}/${hex(owner)}/${hex(image)}`,
};

const lastPart = (key: string): string => key.slice(key.lastIndexOf('/') + 1);

/** The grant that a key of `given` or `held` ends in. */
export function grantOf(key: string): Uint8Array {
  return new Uint8Array(Buffer.from(lastPart(key), 'hex'));
}

/** When the minute of a key of `refusal` began, in ms since 1970. */
export function minuteOf(key: string): number {
  return Number(lastPart(key)) * minuteMs;
}
