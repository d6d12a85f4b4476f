/** What one request came to, as its viewer saw it: from asking until the picture was durable and acknowledged. */
export interface Requested {
  readonly tookMs: number;
  /** The server that hid it; empty with a failure. */
  readonly leader: string;
  readonly failure?: string;
}

/** What one election came to, as its client saw it. */
export interface Granted {
  readonly tookMs: number;
  readonly leader: string;
  /** Of the token, within its epoch. */
  readonly hop: number;
}
