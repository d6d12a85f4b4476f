/** Recovery codes: docs/format.md, "Recovery code". */
import { createHash } from 'node:crypto';
import { decodeBase32, encodeBase32, inGroups } from '../base32.js';
import { FormatError } from '../format-error.js';

/** 160 bits: nobody guesses it, and it still fits a line. */
export const recoveryBytes = 20;

/** @param random `recoveryBytes` random bytes */
export function formatRecoveryCode(random: Uint8Array): string {
  return inGroups(encodeBase32(random), 4);
}

/** What the directory keeps of a code. Case, white space and `-` are ignored. @throws FormatError of layer recovery-code */
export function recoveryDigest(code: string): Uint8Array {
  const bytes = decodeBase32(code.toLowerCase().replace(/[\s-]/g, ''));
  if (bytes?.length !== recoveryBytes) {
    throw new FormatError('recovery-code', 'it must have 32 letters and digits, in groups of four');
  }
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
