/** What hostile bytes break, by name: docs/format.md, at its head. */
export type Layer =
  | 'png'
  | 'slot'
  | 'capsule'
  | 'rights'
  | 'payload'
  | 'cloud-lock'
  | 'owner-lock'
  | 'photo'
  | 'log'
  | 'key-bundle'
  | 'join-code'
  | 'recovery-code';

/** Bytes that docs/format.md does not allow. The message says which rule they break. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly layer: Layer;

  constructor(layer: Layer, message: string, options?: ErrorOptions) {
    super(`${layer}: ${message}`, options);
    this.layer = layer;
  }
}
