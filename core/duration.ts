/**
 * Durations as people write them: a whole number and a unit, as in 30s, 10m, 2h, 7d. One parser for both commands.
 */

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Ten years: dates computed from a longer one leave what a certificate can say. */
const durationMsMax = 3650 * unitMs.d;

/** The duration in milliseconds; undefined if it is not one, is zero, or is longer than ten years. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  if (!match) return undefined;
  const durationMs = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  return durationMs > 0 && durationMs <= durationMsMax ? durationMs : undefined;
}
