/** What a connection to a next hop needs to know. Plain data, handed in. */
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { Resolve } from './resolve.ts';

/** Longest waits in milliseconds; the defaults are those of RFC 5321 4.5.3.2 where it names one. */
export interface Timeouts {
  /** For the TCP connection to one address. */
  readonly connect: number;
  readonly greeting: number;
  /** EHLO, HELO, STARTTLS, RSET. */
  readonly command: number;
  readonly tls: number;
  readonly mail: number;
  /** For the turn of a message that was announced behind another, and then for the answer to its MAIL. */
  readonly along: number;
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
  along: 2000,
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

/** How connections to next hops are made. */
export interface ConnectOptions {
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly tls: TlsMode;
  /** Whether the certificate must be good and for this name. Default: only with `require`. */
  readonly verify?: boolean;
  /** Certificate authorities to trust (PEM) in place of the platform's. */
  readonly ca?: string | Uint8Array | undefined;
  readonly timeouts?: Partial<Timeouts>;
  readonly resolve?: Resolve;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}
