/** The middle of several measurements and how far they lie apart. Pure. */

/** Quartiles are interpolated linearly between the nearest two figures. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError without a figure */
export function spread(figures: readonly number[]): Spread {
  return {
    median: quantile(figures, 0.5),
    min: quantile(figures, 0),
    lowerQuartile: quantile(figures, 0.25),
    upperQuartile: quantile(figures, 0.75),
    max: quantile(figures, 1),
    count: figures.length,
  };
}

/** @throws RangeError without a figure */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/**
 * The figure below which this part of them lies.
 * @param part from 0 to 1
 * @throws RangeError without a figure
 */
export function quantile(figures: readonly number[], part: number): number {
  if (figures.length === 0) throw new RangeError('nothing was measured');
  const sorted = [...figures].sort((one, other) => one - other);
  const at = part * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  const above = sorted[Math.ceil(at)]!;
  return below + (above - below) * (at - Math.floor(at));
}

/** Three significant digits, and no more than a number needs. */
export function plain(figure: number): string {
  if (!Number.isFinite(figure)) return figure > 0 ? '∞' : String(figure);
  return Math.abs(figure) >= 1_000
    ? Math.round(figure).toLocaleString('en')
    : String(Number(figure.toPrecision(3)));
}

/** `median (min-max)`. */
export function withRange({ median: middle, min, max }: Spread): string {
  return `${plain(middle)} (${plain(min)}-${plain(max)})`;
}
