/**
 * Where everything lies in a carrier, from its width and height alone. docs/format.md, "Carrier".
 */
import { LIMITS } from '../../limits.js';

/** Width and height in pixels. */
export interface Shape {
  readonly width: number;
  readonly height: number;
}

/** Low bytes in a row: one a sample. */
export function lowBytes(width: number): number {
  return 3 * width;
}

/** Bytes of a row as PNG has it: the filter, then two bytes a sample. */
export function rowBytes(width: number): number {
  return 1 + 6 * width;
}

/** Rows that the slot takes. */
export function slotRows(width: number): number {
  return Math.ceil(LIMITS.slotBytes / lowBytes(width));
}

/** Bytes of payload that a carrier can hold. */
export function capacity({ width, height }: Shape): number {
  return Math.max(0, lowBytes(width) * (height - slotRows(width)));
}

/** Whether a reader would look at such a picture. */
export function shapeAllowed({ width, height }: Shape): boolean {
  const { carrierSideMin: min, carrierSideMax: max } = LIMITS;
  return (
    width >= min &&
    width <= max &&
    height >= min &&
    height <= max &&
    width * height <= LIMITS.carrierPixelsMax
  );
}

/**
 * The shape in which the payload just fits, nearest to the cover's proportions.
 * @param payloadBytes at most `LIMITS.payloadBytesMax`
 * @param proportions the cover's width over its height
 */
export function shapeFor(payloadBytes: number, proportions: number): Shape {
  const { carrierSideMin: min, carrierSideMax: max } = LIMITS;
  const shapeOf = (width: number): Shape => ({ width, height: heightFor(payloadBytes, width) });
  // A wider picture is a lower one, so proportions rise with the width: the first that is too wide, and the last
  // that is not, are the nearest.
  const wide = firstWhere(min, max, (width) => {
    const { height } = shapeOf(width);
    return height <= max && width / height >= proportions;
  });
  const narrow = shapeOf(Math.max(min, wide - 1));
  if (narrow.height > max) return shapeOf(wide);
  const distance = ({ width, height }: Shape) => Math.abs(Math.log(width / height / proportions));
  return distance(narrow) <= distance(shapeOf(wide)) ? narrow : shapeOf(wide);
}

function heightFor(payloadBytes: number, width: number): number {
  return Math.max(LIMITS.carrierSideMin, slotRows(width) + Math.ceil(payloadBytes / lowBytes(width)));
}

/** The smallest integer from `low` to `high` for which this holds, or `high`; it holds for all above the smallest. */
function firstWhere(low: number, high: number, holds: (value: number) => boolean): number {
  let [from, to] = [low, high];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
