/** The limits of the RPC edge, for servers and clients alike. */
export const RPC_LIMITS = {
  /** One message: a piece of a stream (1 MiB at most in the contracts) and its envelope. */
  messageBytesMax: 1024 * 1024 + 64 * 1024,
  /**
   * Senders cut streams into pieces of this size. Each is encoded, checked and waited for on both sides: smaller
   * costs CPU, larger holds more for a reader that is stuck.
   */
  pieceBytes: 256 * 1024,
  /** Bytes of one stream handed to grpc-js and not yet on their way. Larger hides latency, smaller saves memory. */
  unsentBytesMax: 256 * 1024,
  /**
   * What may be under way to a reader, of a stream and of a connection: bounds the speed by window / round trip
   * (33 MB/s at 30 ms). Larger is faster over long ways, smaller holds less for a reader that is stuck.
   */
  windowBytes: 1024 * 1024,
  /** For a TLS handshake; longer lets strangers hold sockets. */
  handshakeMs: 10_000,
  /**
   * Handshakes at once, from one network and from all; beyond it the oldest is given up. A handshake takes some
   * milliseconds of a core, so these are a second's work or less; fewer would cut off honest ones in a rush.
   */
  handshakesPerNetworkMax: 256,
  handshakesMax: 1_024,
  /** Calls at once on a connection; more wait in the caller. */
  callsPerConnectionMax: 256,
  /** A unary call without a deadline of its own. Every one of them takes milliseconds when all is well. */
  unaryDeadlineMs: 5_000,
  /** The longest wait that a refusal can ask for. Longer would let a server that errs, or lies, silence its clients. */
  retryAfterMsMax: 30_000,
  /** First and last pause between attempts to connect: a server that is back is found within the second. */
  reconnectMinMs: 100,
  reconnectMaxMs: 2_000,
} as const;

/** When a connection whose other end is silent counts as dead: pinged after `timeMs`, given up `timeoutMs` later. */
export interface Silence {
  readonly timeMs: number;
  readonly timeoutMs: number;
}

/**
 * Of those who connect; they ping whether the other end is silent or not. Servers watch each other closely, for the
 * ring waits on it. Clients may sleep and roam, and there are many: sooner costs a server 60 microseconds of a core a
 * ping.
 */
export const KEEPALIVE = {
  servers: { timeMs: 200, timeoutMs: 300 },
  clients: { timeMs: 1_500, timeoutMs: 2_000 },
} as const satisfies Record<string, Silence>;
export type Keepalive = keyof typeof KEEPALIVE;

/** Of those who listen: longer than clients wait between two pings, so that only who sends none is pinged. */
export const LISTENER_SILENCE: Silence = { timeMs: 2_000, timeoutMs: 2_000 };

/**
 * Connections of a listener: in all, from one origin (the name in a certificate, or a network without one), and how
 * long one may stand without a call. Beyond `perOriginMax` the oldest of that origin is closed. More lets one caller
 * hold more sockets and memory (some 50 KB each); fewer cuts off a client that runs many commands at once, or a
 * large office that joins behind one address.
 */
export const CONNECTIONS = {
  members: { max: 12_288, perOriginMax: 64, idleMs: 300_000 },
  strangers: { max: 1_024, perOriginMax: 128, idleMs: 10_000 },
} as const;
export type Callers = keyof typeof CONNECTIONS;
