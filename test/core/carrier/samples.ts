/** Small carriers to begin from. */
import { makeBand } from '../../../core/carrier/layout/band.js';
import type { Compression } from '../../../core/carrier/layout/band.js';
import { shapeFor } from '../../../core/carrier/layout/shape.js';
import { writeCarrier } from '../../../core/carrier/write.js';
import type { Writing } from '../../../core/carrier/write.js';
import { collect, inChunks, patterned } from '../streams.js';

/** A cover of slow gradients, as covers are. */
export function coverFor({ width, height }: Writing['shape']): Uint8Array {
  const cover = new Uint8Array(3 * width * height);
  for (let at = 0; at < cover.length; at += 1) {
    const x = Math.floor(at / 3) % width;
    const y = Math.floor(at / 3 / width);
    cover[at] = at % 3 === 0 ? (255 * x) / width : at % 3 === 1 ? (255 * y) / height : 128;
  }
  return cover;
}

export const slot = patterned(2_048, 77);

export function writingOf(
  payload: Uint8Array,
  compression: Compression,
  more: Partial<Writing> = {},
): Writing {
  const shape = more.shape ?? shapeFor(payload.length, 1.5);
  return {
    shape,
    cover: coverFor(shape),
    slot,
    payload: inChunks(payload, 50_000),
    payloadBytes: payload.length,
    compression,
    noise: (bytes) => patterned(bytes, 99),
    makeBand: async (task) => makeBand(task),
    bandsAhead: 2,
    ...more,
  };
}

export function carrierOf(
  payload: Uint8Array,
  compression: Compression,
  more: Partial<Writing> = {},
): Promise<Buffer> {
  return collect(writeCarrier(writingOf(payload, compression, more)));
}
