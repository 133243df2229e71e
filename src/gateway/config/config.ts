/**
 * The configuration as the gateway uses it: everything resolved, nothing optional, plain frozen-by-convention data.
 *
 * Made by loadConfig alone. Times are milliseconds, sizes bytes, paths absolute, expressions compiled, secrets opened.
 */
import type { Block } from '#expressions';
import type { Level } from '#notices';
import type { BindAddress, HostPort, Network } from './address.ts';
import type { RateConfig } from './leaves-route.ts';
import type { UserConfig } from './users.ts';
import type { DnsConfig } from './schema-dns.ts';
import type { AdminConfig } from './schema-admin.ts';
import type { JournalConfig } from './schema-journal.ts';
import type { LimitsConfig, SheddingConfig } from './schema-limits.ts';

/** A stage at which filters are asked. */
export type StageName = 'connect' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data';

/** Everything the gateway needs to run. */
export interface Config {
  /** Name in greetings, Received: and macro j. ASCII. */
  readonly hostname: string;
  /** Folder for everything that must survive; created with mode 0700 by whoever starts the gateway. */
  readonly stateDir: string;
  /** Processes that take mail; 1 = everything in one process. */
  readonly workers: number;
  /** How long what is under way may take when the process is told to end. */
  readonly drain: number;
  readonly listeners: readonly ListenerConfig[];
  /** Certificate material for all listeners; null only when no listener speaks TLS. */
  readonly tls: TlsConfig | null;
  /** Accounts for AUTH; further ones stand in `usersFile` ('' = none), which is read when the gateway starts and when it changes. */
  readonly users: readonly UserConfig[];
  readonly usersFile: string;
  /** In chain order. */
  readonly milters: readonly MilterConfig[];
  readonly spool: SpoolConfig;
  readonly delivery: DeliveryConfig;
  readonly dns: DnsConfig;
  /** The HTTP interface for operators; null: there is none. */
  readonly admin: AdminConfig | null;
  /** What is kept of what happened; null: nothing. */
  readonly journal: JournalConfig | null;
  readonly shedding: SheddingConfig;
  readonly log: { readonly level: Level; readonly format: 'json' | 'pretty' };
}

/** PEM files; they were readable when the configuration was loaded. */
export interface TlsConfig {
  readonly certificate: string;
  readonly key: string;
  /** Authorities of clients' certificates; '' = none. */
  readonly clientCa: string;
  /** More pairs, for the names in them that clients ask for (SNI); the first that has the name counts. */
  readonly certificates: readonly { readonly certificate: string; readonly key: string }[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** One door for mail. */
export interface ListenerConfig {
  /** Unique among listeners; the `listener` variable of expressions. */
  readonly name: string;
  readonly bind: readonly BindAddress[];
  readonly protocol: 'smtp' | 'lmtp';
  /** Offer delivery status notifications (RFC 3461). */
  readonly dsn: boolean;
  /** `starttls` offers it, `require` wants it before MAIL, `implicit` speaks TLS from the first byte. */
  readonly tls: 'off' | 'starttls' | 'require' | 'implicit';
  /** `require` takes mail only inside TLS from a client whose certificate leads to an authority of `tls.clientCa`. */
  readonly clientCertificates: 'off' | 'ask' | 'require';
  /** AUTH: unknown, offered, or wanted before MAIL; without TLS only with `insecureAuth`. */
  readonly auth: 'off' | 'optional' | 'required';
  readonly insecureAuth: boolean;
  readonly relay: RelayConfig;
  /** Peers that must send a PROXY header. */
  readonly trustedProxies: readonly Network[];
  /** Clients that may say XCLIENT and XFORWARD. */
  readonly xclient: readonly Network[];
  readonly maxMessageSize: number;
  readonly maxRecipients: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** What becomes of lone CR and LF in content. */
  readonly bareLineEnds: 'reject' | 'normalise';
  /** Refuse clients that talk before the greeting. */
  readonly refuseEarlyTalkers: boolean;
  /** Every other bound. */
  readonly limits: LimitsConfig;
}

/** Who may send to where: clients in `networks` to anywhere, everyone to `domains`. Nothing else relays. */
export interface RelayConfig {
  readonly networks: readonly Network[];
  /** Lower-case byte strings, exact names. */
  readonly domains: readonly string[];
  /** The recipients of those domains, as far as they are known: absolute path of a file, or byte strings; null: not listed. */
  readonly recipients: { readonly file: string } | { readonly entries: readonly string[] } | null;
  /** Ask the next hop of the route about recipients of those domains that are not listed. */
  readonly callAhead: boolean;
}

/** What mail meets when a filter cannot be used. */
export type OnError = 'tempfail' | 'reject' | 'accept' | 'quarantine';

/** One filter of the chain. The fields a milter conversation needs have the names of MilterClientOptions. */
export interface MilterConfig {
  /** Unique label for logs and listings. */
  readonly name: string;
  readonly endpoint:
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string };
  /** When the filter is asked; at least one. */
  readonly stages: ReadonlySet<StageName>;
  /** Whether the filter takes part; `enable.constant` is true for most. */
  readonly enable: Block;
  /** PEM files by absolute path; they were readable when the configuration was loaded. */
  readonly tls: MilterTlsConfig | null;
  readonly timeoutConnect: number;
  readonly timeoutCommand: number;
  readonly timeoutData: number;
  /** 0 = no bound. */
  readonly timeoutMessage: number;
  /** Resolved: onError, or else tempFailOnError (true: tempfail, false: accept). */
  readonly onError: OnError;
  readonly maxResponseSize: number;
  /** Largest sum of REPLBODY payloads: the largest maxMessageSize of the listeners. */
  readonly maxBodySize: number;
  readonly maxEdits: number;
  /** The OPTNEG offer, masked to the version. */
  readonly offer: { readonly version: 2 | 6; readonly actions: number; readonly protocol: number };
  readonly input: 'chained' | 'original';
  readonly pipeline: boolean;
  readonly nudge: boolean;
  /** Keep the conversation for the next client. */
  readonly reuse: boolean;
  /** Ask at envelope stages together with neighbours that say so too. */
  readonly parallel: boolean;
}

/** TLS from the first byte of the milter connection. */
export interface MilterTlsConfig {
  readonly allowInvalidCerts: boolean;
  /** Authorities to trust instead of the system's; '' = the system's. */
  readonly ca: string;
  /** Certificate and key shown to the filter; '' = none. */
  readonly certificate: string;
  readonly key: string;
  /** Name asked for (SNI) and checked; '' = the host name. */
  readonly serverName: string;
}

/** Where accepted mail waits. */
export type SpoolConfig =
  | { readonly engine: 'lmdb'; readonly dir: string; readonly inlineBodyMax: number }
  | { readonly engine: 'memory' };

/** Where accepted mail goes. */
export interface DeliveryConfig {
  /** `through`: nothing is queued; clients hear the next hops themselves. Then all routes lead to next hops. */
  readonly mode: 'queue' | 'through';
  /** The first that matches a recipient carries it. */
  readonly routes: readonly RouteConfig[];
  /** Waits between attempts; the last one repeats. At least one. */
  readonly retry: readonly number[];
  /** Age at which an entry is given up. */
  readonly expire: number;
  /** How long an entry may be held, and whether its sender hears of it when that time is over. */
  readonly holdExpire: number;
  readonly holdExpired: 'notify' | 'discard';
  /** Age at which the sender of a message that still waits is told so, once; 0: never. */
  readonly notifyDelay: number;
  /** What a notice of failure gives back where the sender did not say. */
  readonly dsn: { readonly return: 'headers' | 'full'; readonly maxSize: number };
  readonly concurrency: { readonly total: number; readonly perDestination: number };
  /** Longest waits for next hops, by step; those that are not there are the SMTP client's own. */
  readonly timeouts: Readonly<Partial<Record<HopStep, number>>>;
}

/** What a next hop is waited for. */
export type HopStep = 'connect' | 'greeting' | 'command' | 'tls' | 'mail' | 'rcpt' | 'data' | 'block' | 'dot';

/** One route: a condition on the recipient, bounds on what goes to one destination, and the means. */
export type RouteConfig = {
  readonly match: Block;
  /** Attempts at a time; null: as many as `DeliveryConfig.concurrency.perDestination`. */
  readonly concurrency: number | null;
  /** null: as many messages as come. */
  readonly rate: RateConfig | null;
} & RouteTarget;

/** A next hop. */
export interface HopConfig extends HostPort {
  /** Absolute path of a unix socket in place of host and port; '' for TCP. */
  readonly path: string;
}

/** How a route speaks to its next hops. */
interface HopsTarget {
  /** Next hops in order of preference. */
  readonly to: readonly HopConfig[];
  readonly tls: 'off' | 'opportunistic' | 'require';
  /** Certificate authorities (PEM) to trust in place of the platform's; '' = the platform's. */
  readonly tlsCa: string;
  /** Which of them a message is offered first: the first of the list, or each in turn. */
  readonly balance: 'order' | 'round-robin';
  /** Local address that connections are made from; '' = the system's choice. */
  readonly source: string;
}

export interface SmtpTarget extends HopsTarget {
  readonly via: 'smtp';
  /** Who we are at these hops (byte strings); null = nobody is told. With it `tls` is `require`, or all hops are loopback. */
  readonly auth: { readonly user: string; readonly password: string } | null;
}

export interface LmtpTarget extends HopsTarget {
  readonly via: 'lmtp';
}

/** To the hosts that DNS names for the recipient's domain. */
export interface MxTarget extends Pick<HopsTarget, 'tls' | 'tlsCa' | 'source'> {
  readonly via: 'mx';
  /** Connect to loopback addresses too. */
  readonly allowLoopback: boolean;
}

/** How a route delivers. */
export type RouteTarget =
  | SmtpTarget
  | LmtpTarget
  | MxTarget
  /** `path`: absolute, may hold `{local}`, `{domain}`, `{address}`. */
  | { readonly via: 'maildir'; readonly path: string }
  | { readonly via: 'discard' };
