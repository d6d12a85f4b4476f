/**
 * How fast one core of this machine does Glimpse's work. A round is what hiding does to a mebibyte: AES-256-GCM,
 * interleaving with a cover, Adler-32 and CRC-32 through zlib. docs/protocol.md, "Load".
 */
import { createCipheriv } from 'node:crypto';
import { crc32, deflateRawSync } from 'node:zlib';

const roundBytes = 1 << 20;

/** Rounds a second of CPU time of this thread's process; so neighbours that start at the same time do not count. */
export default function calibrate({ cpuMs }: { readonly cpuMs: number }): number {
  const payload = Buffer.alloc(roundBytes, 0x5a);
  const cover = Buffer.alloc(roundBytes, 0xa5);
  round(payload, cover);
  const began = process.cpuUsage();
  let rounds = 0;
  let usedMs: number;
  do {
    round(payload, cover);
    rounds += 1;
    const used = process.cpuUsage(began);
    usedMs = (used.user + used.system) / 1000;
  } while (usedMs < cpuMs);
  return (rounds * 1000) / usedMs;
}

function round(payload: Buffer, cover: Buffer): number {
  const cipher = createCipheriv('aes-256-gcm', Buffer.alloc(32), Buffer.alloc(12));
  const sealed = cipher.update(payload);
  const rows = Buffer.allocUnsafe(2 * roundBytes);
  for (let i = 0; i < roundBytes; i += 1) {
    rows[2 * i] = cover[i]!;
    rows[2 * i + 1] = sealed[i]!;
  }
  return crc32(deflateRawSync(rows, { level: 0 }));
}
