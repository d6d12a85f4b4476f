/** What the two processes of a transfer tell each other. */

/** Who the receiver is: PEM. */
export interface Told {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Where it listens. */
export interface Ports {
  /** gRPC with nothing but TLS. */
  readonly bare: number;
  /** TLS with nothing at all. */
  readonly plain: number;
  /** Our RPC edge, without a disk behind it. */
  readonly edge: number;
}
