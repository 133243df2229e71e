/**
 * What an SMTP server is told: names, limits, and the functions it calls. Options are handed in; nothing is read elsewhere.
 *
 * Every limit has a name and a default here (reference reliability 1.3); 0 is a limit, Infinity is none.
 */
import type { SecureContext } from 'node:tls';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { BareLineEnds } from '#smtp/protocol';
import type { SmtpHandler } from './handler.ts';

/** Bounds of one server. Times are milliseconds, sizes bytes. */
export interface SmtpLimits {
  /** A command line with its CRLF; longer ones get 500 5.5.2. */
  readonly maxCommandLine: number;
  /** Content after un-stuffing; more gets 552 5.3.4. */
  readonly maxMessageSize: number;
  /** A line of content without its line end; more gets 550 5.6.0. */
  readonly maxLineLength: number;
  /** Accepted recipients of one transaction; further ones get 452 4.5.3. */
  readonly maxRecipients: number;
  /** Connections at a time; further ones get 421 4.3.2. */
  readonly maxConnections: number;
  /** Connections at a time from one address; further ones get 421 4.7.0. Clients of a UNIX socket are not counted. */
  readonly maxConnectionsPerClient: number;
  /** Errors of syntax or order in one session; one more gets 421 4.7.0. A handler's refusals are not errors. */
  readonly maxErrors: number;
  /** Commands since the last accepted message; one more gets 421 4.7.0. */
  readonly maxCommands: number;
  /** From the server's readiness to the end of the command line, however slowly it trickles in; then 421 4.4.2. */
  readonly commandTimeout: number;
  /** Within it at least 1 KiB of content (or its end) must come; else 421 4.4.2. */
  readonly dataTimeout: number;
  /** For the TLS handshake. */
  readonly tlsTimeout: number;
  /** For finding the client's name before the greeting; then it has none. */
  readonly clientNameTimeout: number;
  /** How long close() lets transactions go on. */
  readonly drainTimeout: number;
}

/** The limits that hold where none is given. */
export const DEFAULT_LIMITS: SmtpLimits = Object.freeze({
  maxCommandLine: 2048,
  maxMessageSize: 50_000_000,
  maxLineLength: Infinity,
  maxRecipients: 1000,
  maxConnections: 1000,
  maxConnectionsPerClient: 50,
  maxErrors: 20,
  maxCommands: 10_000,
  commandTimeout: 300_000,
  dataTimeout: 300_000,
  tlsTimeout: 30_000,
  clientNameTimeout: 5_000,
  drainTimeout: 30_000,
});

/** What DNS says of a client: verified name and unverified PTR, '' where there is none. */
export interface ClientName {
  readonly name: string;
  readonly ptr: string;
}

/** How one server behaves; all its addresses share it. */
export interface SmtpServerOptions {
  /** Our name in greeting and EHLO reply. */
  readonly hostname: string;
  /** The listener's name, for `Origin.listener`. */
  readonly listener: string;
  /** Default smtp. */
  readonly protocol?: 'smtp' | 'lmtp';
  /** `require`: no mail before STARTTLS. Default off. */
  readonly tls?: 'off' | 'starttls' | 'require' | 'implicit';
  /** Called at each handshake, so a new certificate counts from the next client on. Needed unless tls is off. */
  readonly secureContext?: () => SecureContext;
  /** Ask clients for a certificate (never refused for it). Default false. */
  readonly requestClientCertificate?: boolean;
  /** Offer DSN (RFC 3461) and take its parameters. Default false. */
  readonly dsn?: boolean;
  /** Default reject. */
  readonly bareLineEnds?: BareLineEnds;
  /** Refuse with 554 5.5.1 a client that talks before the greeting. Default false: its commands wait. */
  readonly refuseEarlyTalkers?: boolean;
  /** A handler for a new connection. */
  readonly makeHandler: () => SmtpHandler;
  /** Finds the client's name before the greeting; a failure is no name. Default: none is looked for. */
  readonly clientName?: (address: string) => Promise<ClientName>;
  /** Session ids for logs. Default: time and a counter in base 36. */
  readonly sessionId?: () => string;
  readonly limits?: Partial<SmtpLimits>;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Options with every default filled in. */
export interface Settings extends Required<Omit<SmtpServerOptions, 'clientName' | 'secureContext'>> {
  readonly clientName: SmtpServerOptions['clientName'];
  readonly secureContext: SmtpServerOptions['secureContext'];
  readonly limits: SmtpLimits;
}

/** Fills in the defaults. Throws SMTP_NO_CERTIFICATE when TLS is wanted without a secure context. */
export function settingsOf(options: SmtpServerOptions): Settings {
  const tls = options.tls ?? 'off';
  if (tls !== 'off' && !options.secureContext)
    throw Object.assign(new Error('TLS is configured without a certificate'), {
      code: 'SMTP_NO_CERTIFICATE',
    });
  let count = 0;
  return {
    ...options,
    protocol: options.protocol ?? 'smtp',
    tls,
    secureContext: options.secureContext,
    requestClientCertificate: options.requestClientCertificate ?? false,
    dsn: options.dsn ?? false,
    bareLineEnds: options.bareLineEnds ?? 'reject',
    refuseEarlyTalkers: options.refuseEarlyTalkers ?? false,
    clientName: options.clientName,
    sessionId: options.sessionId ?? (() => `${options.clock.now().toString(36)}-${(count++).toString(36)}`),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
}
