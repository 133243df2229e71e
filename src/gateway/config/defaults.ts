/** The default of every setting that has a constant one. Data only; defaults that depend on other settings are in resolve. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIB = 1_048_576;

/** Times in milliseconds, sizes in bytes. */
export const DEFAULTS = {
  stateDir: './var',
  workers: 1,
  drain: 20 * SECOND,
  listener: {
    name: 'smtp',
    bind: '127.0.0.1:2525',
    relayNetworks: ['127.0.0.0/8', '::1'],
    relayDomains: ['localhost'],
    maxMessageSize: 50 * MIB,
    maxRecipients: 1000,
    maxConnections: 1000,
    maxConnectionsPerClient: 50,
  },
  milter: {
    port: 11_332,
    stages: ['data'],
    timeoutConnect: 30 * SECOND,
    timeoutCommand: 30 * SECOND,
    timeoutData: 60 * SECOND,
    timeoutMessage: 5 * MINUTE,
    maxResponseSize: 52_428_800,
    maxEdits: 1000,
  },
  spool: { inlineBodyMax: 65_536 },
  delivery: {
    smtpPort: 25,
    lmtpPort: 24,
    balance: 'order',
    allowLoopback: false,
    retry: [2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR],
    expire: 5 * DAY,
    holdExpire: 30 * DAY,
    holdExpired: 'notify',
    notifyDelay: 0,
    dsnReturn: 'headers',
    dsnMaxSize: 65_536,
    concurrencyTotal: 200,
    concurrencyPerDestination: 20,
  },
  dns: { timeout: 5 * SECOND },
} as const;

/** Bounds of settings that have one beyond good sense. */
export const BOUNDS = {
  /** Longest time any setting takes. */
  duration: 365 * DAY,
  /** Largest message and largest milter frame. */
  size: 2 ** 31 - 1,
  /** Largest body kept inside the store's record. */
  inlineBody: MIB,
  /** Most of a message that a notice gives back. */
  returned: 16 * MIB,
  /** Longest time the process may take to end. */
  drain: HOUR,
  /** Processes that take mail. */
  workers: 64,
  /** A unix socket's path (sun_path on Linux, without the final NUL). */
  socketPath: 107,
  /** A file of certificate authorities. */
  authorities: MIB,
} as const;
