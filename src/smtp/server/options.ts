/**
 * What an SMTP server is told: names, limits, and the functions it calls. Options are handed in; nothing is read elsewhere.
 *
 * Every limit has a name and a default here (reference reliability 1.3); 0 is a limit, Infinity is none.
 */
import type { SecureContext } from 'node:tls';
import type { Clock } from '#clock';
import type { NoticeSink } from '#notices';
import type { BareLineEnds } from '#smtp/protocol';
import type { AuthOptions } from './authenticator.ts';
import type { SmtpHandler } from './handler.ts';
import type { SmtpMeter } from './meter.ts';
import type { ObservedSession, SmtpObserver } from './observer.ts';

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
  /** Connections begun from one address within a minute; further ones get 421 4.7.0. As above; clients of our own neither. */
  readonly maxConnectionRate: number;
  /** Errors of syntax or order in one session; one more gets 421 4.7.0. A handler's refusals are not errors. */
  readonly maxErrors: number;
  /** Commands since the last accepted message; one more gets 421 4.7.0. */
  readonly maxCommands: number;
  /** MAIL commands in one session; one more gets 421 4.7.0. */
  readonly maxTransactions: number;
  /** A response of AUTH in Base64, the initial one too; longer ones get 500 5.5.6 (RFC 4954 4). */
  readonly maxAuthResponse: number;
  /** Failures of AUTH in one session, 10 at most whatever is said here; the last one gets 421 4.7.0. */
  readonly maxAuthFailures: number;
  /** A failure of AUTH is answered so late, times the failures in the session or remembered of the address, up to maxAuthDelay. */
  readonly authDelay: number;
  readonly maxAuthDelay: number;
  /** From the server's readiness to the end of the command line, however slowly it trickles in; then 421 4.4.2. */
  readonly commandTimeout: number;
  /** Within it at least 1 KiB of content (or its end) must come; else 421 4.4.2. */
  readonly dataTimeout: number;
  /** Bytes of content a second, averaged over half a minute or more of waiting for the client; less gets 421 4.4.2. 0 = any. */
  readonly minDataRate: number;
  /** For the PROXY header of a trusted proxy; then the connection is closed. */
  readonly proxyTimeout: number;
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
  maxConnectionRate: 600,
  maxErrors: 20,
  maxCommands: 10_000,
  maxAuthResponse: 12_288,
  maxAuthFailures: 5,
  authDelay: 1_000,
  maxAuthDelay: 5_000,
  maxTransactions: Infinity,
  commandTimeout: 300_000,
  dataTimeout: 300_000,
  minDataRate: 100,
  proxyTimeout: 5_000,
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
  /** The context for the name a client asks for (SNI); undefined, or no function: secureContext's. */
  readonly secureContextFor?: (serverName: string) => SecureContext | undefined;
  /** `ask`: for a certificate, nobody is refused for it. `require`: no mail without TLS and a verified one. Default off. */
  readonly clientCertificates?: 'off' | 'ask' | 'require';
  /** Offer AUTH (RFC 4954). Default: it is unknown. */
  readonly auth?: AuthOptions;
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
  /** Who listens in on a new connection; null: nobody. Default: nobody on any. */
  readonly observe?: (session: ObservedSession) => SmtpObserver | null;
  /** Asked at each new connection: true refuses it with 421 4.3.2. The one who says so gives notice of it. Default: never. */
  readonly busy?: () => boolean;
  /** Whether the client of that address is one of ours, to whom maxConnectionRate does not apply. Default: nobody is. */
  readonly isOwn?: (address: string) => boolean;
  /** Peers that must send a PROXY header, by address. Default: nobody may. */
  readonly isTrustedProxy?: (address: string) => boolean;
  /** Clients that may say XCLIENT and XFORWARD, by address. Default: nobody. */
  readonly mayXclient?: (address: string) => boolean;
  readonly limits?: Partial<SmtpLimits>;
  /** Keeps the figures. Default: nobody does. */
  readonly meter?: SmtpMeter | null;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Options with every default filled in. */
export interface Settings extends Required<
  Omit<SmtpServerOptions, 'auth' | 'clientName' | 'observe' | 'secureContext' | 'secureContextFor'>
> {
  readonly auth: AuthOptions | null;
  readonly clientName: SmtpServerOptions['clientName'];
  readonly observe: SmtpServerOptions['observe'];
  readonly secureContext: SmtpServerOptions['secureContext'];
  readonly secureContextFor: SmtpServerOptions['secureContextFor'];
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
    secureContextFor: options.secureContextFor,
    clientCertificates: options.clientCertificates ?? 'off',
    auth: options.auth ?? null,
    dsn: options.dsn ?? false,
    bareLineEnds: options.bareLineEnds ?? 'reject',
    refuseEarlyTalkers: options.refuseEarlyTalkers ?? false,
    clientName: options.clientName,
    observe: options.observe,
    sessionId: options.sessionId ?? (() => `${options.clock.now().toString(36)}-${(count++).toString(36)}`),
    busy: options.busy ?? (() => false),
    isOwn: options.isOwn ?? (() => false),
    isTrustedProxy: options.isTrustedProxy ?? (() => false),
    mayXclient: options.mayXclient ?? (() => false),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    meter: options.meter ?? null,
  };
}
