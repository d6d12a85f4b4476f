/** Which files a gallery looks at, by their names. What they are is told by their first bytes: core/picture-kind.ts. */

const endings = /\.(?:jpe?g|jpe|jfif|png|webp|avif|gif|tiff?|heic|heif|hif|svgz?)$/i;

/** A file worth looking at. Others in the folder are none of a gallery's business. */
export function looksLikePhoto(name: string): boolean {
  return endings.test(name);
}
