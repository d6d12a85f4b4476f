/**
 * Names of photos: paths below the gallery's folder, with forward slashes. What is served is decided by the name
 * alone here; that the path leads where it says is checked where it is opened.
 */

/** As proto/glimpse/v1/peer.proto, `PhotoLine`, allows. */
const nameLengthMax = 1_024;
/** Control characters and marks that turn the direction of text: a name is printed on other people's screens. */
const unprintable = /[\p{Cc}\u202A-\u202E\u2066-\u2069\uFFFD]/gu;

export type NameTrouble = 'hidden' | 'outside' | 'unprintable' | 'too-long' | 'too-deep';

/** What keeps a name from being served; undefined: nothing. */
export function nameTrouble(name: string, depthMax: number): NameTrouble | undefined {
  const parts = name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\')))
    return 'outside';
  if (parts.some((part) => part.startsWith('.'))) return 'hidden';
  if (name.search(unprintable) >= 0) return 'unprintable';
  if (name.length > nameLengthMax) return 'too-long';
  return parts.length - 1 > depthMax ? 'too-deep' : undefined;
}

/** The name as it may be printed, cut where it is too long. */
export function printable(name: string): string {
  return name.slice(0, nameLengthMax).replace(unprintable, '\uFFFD');
}

/** By code units, the same on every machine: numbers of a listing follow from it. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}
