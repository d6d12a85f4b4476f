/** The limits of what a client offers on its own computer. */
export const WEB_LIMITS = {
  /** How long a picture waits to be fetched. Longer suits slow hands, shorter leaves less time to an onlooker. */
  shownMs: 60_000,
  /** How long a fetch that has begun may take: 64 MiB over loopback take far less. */
  fetchMs: 20_000,
  /** Pictures that wait to be fetched at one time: each is held in memory, up to 64 MiB. */
  shownMax: 8,
  /** Connections to the address of one picture: a browser opens a few ahead. */
  connectionsMax: 8,
  /** A command with its arguments, as it crosses the control socket. */
  requestBytesMax: 65_536,
  /** An answer's line: the largest is a gallery of 10,000 photos with a thumbnail each. */
  answerBytesMax: 256 * 1_048_576,
  /** Commands that one `up` performs at the same time. */
  commandsMax: 32,
  /** How long a client on this computer may take to say what it wants. */
  requestMs: 5_000,
  /** How long commands under way may take to end when `up` does. */
  lastWordsMs: 1_000,
  /** Longest path of a Unix socket that every platform takes: macOS has 104 bytes with the final zero. */
  socketPathBytesMax: 103,
  /** Pixels of a picture that is drawn in a terminal: 100 megapixels take some 300 MB while they are scaled. */
  drawnPixelsMax: 100_000_000,
  /** Widest drawing, in columns. */
  columnsMax: 400,
} as const;
