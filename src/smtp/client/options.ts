/** What a connection to a next hop needs to know. Plain data, handed in. */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { Credentials } from './auth.ts';
import type { Resolve } from './resolve.ts';

/** Longest waits in milliseconds; the defaults are those of RFC 5321 4.5.3.2 where it names one. */
export interface Timeouts {
  /** For the TCP connection to one address. */
  readonly connect: number;
  readonly greeting: number;
  /** EHLO, LHLO, HELO, STARTTLS, AUTH, RSET. */
  readonly command: number;
  readonly tls: number;
  readonly mail: number;
  readonly rcpt: number;
  /** For the 354. */
  readonly data: number;
  /** Without the peer taking any of the content. */
  readonly block: number;
  /** For the answer to the final dot. */
  readonly dot: number;
  /** For the answer to QUIT; nobody waits for it. */
  readonly quit: number;
}

export const TIMEOUTS: Timeouts = {
  connect: 30_000,
  greeting: 300_000,
  command: 300_000,
  tls: 60_000,
  mail: 300_000,
  rcpt: 300_000,
  data: 120_000,
  block: 180_000,
  dot: 600_000,
  quit: 2000,
};

/**
 * TLS towards the next hop. `opportunistic`: used when offered, any certificate will do, and when the handshake fails the hop
 * is tried once more in plaintext. `require`: nothing is said in plaintext after EHLO and STARTTLS; never downgraded.
 */
export type TlsMode = 'off' | 'opportunistic' | 'require';

/** Hears of connections to next hops that are ready for mail. Must not throw. */
export interface HopMeter {
  /** `tls`: its version, '' for none. */
  opened(tls: string): void;
  closed(): void;
}

/** How connections to next hops are made. */
export interface ConnectOptions {
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly tls: TlsMode;
  /** What is spoken; `lmtp` has an answer of its own for each recipient after the final dot (RFC 2033). Default `smtp`. */
  readonly protocol?: 'smtp' | 'lmtp';
  /**
   * Who we are at the hop. Said only inside TLS with a certificate that is good and for this name; with `tls: 'off'` also to a
   * loopback address or a unix socket. Without it nobody is told.
   */
  readonly auth?: Credentials | undefined;
  /** Local address that connections are made from; only addresses of the same family are tried. Not for unix sockets. */
  readonly source?: string | undefined;
  /** false: commands go one by one whatever the hop offers. Default true. */
  readonly pipelining?: boolean;
  /** Whether the certificate must be good and for this name. Default: only with `require` or `auth`. */
  readonly verify?: boolean;
  /** Certificate authorities to trust (PEM) in place of the platform's. */
  readonly ca?: string | Uint8Array | undefined;
  readonly timeouts?: Partial<Timeouts>;
  readonly resolve?: Resolve;
  /** Keeps the figures. */
  readonly meter?: HopMeter | null;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}
