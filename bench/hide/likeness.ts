/** How like one picture is to another: PSNR, and SSIM as of Wang and others (2004) over blocks of 8 by 8. Pure. */

/** Samples of one kind, 8 bits each, row by row. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly samples: Uint8Array;
}

const peak = 255;
const side = 8;
/** The two constants of SSIM, which keep flat blocks from dividing by nothing. */
const steadyMean = (0.01 * peak) ** 2;
const steadySpread = (0.03 * peak) ** 2;

/** In decibels; infinite for the same bytes. @throws RangeError if they are not equally long */
export function psnr(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) throw new RangeError('pictures of two sizes');
  let squares = 0;
  for (let at = 0; at < one.length; at += 1) squares += (one[at]! - other[at]!) ** 2;
  return squares === 0 ? Infinity : 10 * Math.log10((peak ** 2 * one.length) / squares);
}

/** 1 for the same picture. What is left over at the right and below, less than a block, is not looked at. */
export function ssim(one: Plane, other: Plane): number {
  if (one.width !== other.width || one.height !== other.height) throw new RangeError('pictures of two sizes');
  let sum = 0;
  let blocks = 0;
  for (let top = 0; top + side <= one.height; top += side) {
    for (let left = 0; left + side <= one.width; left += side) {
      sum += blockLikeness(one, other, left, top);
      blocks += 1;
    }
  }
  return sum / blocks;
}

function blockLikeness(one: Plane, other: Plane, left: number, top: number): number {
  let [sumX, sumY, sumXX, sumYY, sumXY] = [0, 0, 0, 0, 0];
  for (let row = top; row < top + side; row += 1) {
    for (let column = left; column < left + side; column += 1) {
      const x = one.samples[row * one.width + column]!;
      const y = other.samples[row * other.width + column]!;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumYY += y * y;
      sumXY += x * y;
    }
  }
  const count = side * side;
  const [meanX, meanY] = [sumX / count, sumY / count];
  const [spreadX, spreadY] = [sumXX / count - meanX ** 2, sumYY / count - meanY ** 2];
  const together = sumXY / count - meanX * meanY;
  return (
    ((2 * meanX * meanY + steadyMean) * (2 * together + steadySpread)) /
    ((meanX ** 2 + meanY ** 2 + steadyMean) * (spreadX + spreadY + steadySpread))
  );
}
