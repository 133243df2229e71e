/**
 * The configuration as the gateway uses it: everything resolved, nothing optional, plain frozen-by-convention data.
 *
 * Made by loadConfig alone. Times are milliseconds, sizes bytes, paths absolute, expressions compiled, secrets opened.
 */
import type { Block } from '#expressions';
import type { Level } from '#notices';
import type { BindAddress, HostPort, Network } from './address.ts';

/** A stage at which filters are asked. */
export type StageName = 'connect' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data';

/** Everything the gateway needs to run. */
export interface Config {
  /** Name in greetings, Received: and macro j. ASCII. */
  readonly hostname: string;
  /** Folder for everything that must survive; created with mode 0700 by whoever starts the gateway. */
  readonly stateDir: string;
  readonly listeners: readonly ListenerConfig[];
  /** Certificate material for all listeners; null only when no listener speaks TLS. */
  readonly tls: TlsConfig | null;
  /** In chain order. */
  readonly milters: readonly MilterConfig[];
  readonly spool: SpoolConfig;
  readonly delivery: DeliveryConfig;
  readonly log: { readonly level: Level; readonly format: 'json' | 'pretty' };
}

/** PEM files; they were readable when the configuration was loaded. */
export interface TlsConfig {
  readonly certificate: string;
  readonly key: string;
  /** Authorities of clients' certificates, which are asked for; '' = they are not. */
  readonly clientCa: string;
}

/** One door for mail. */
export interface ListenerConfig {
  /** Unique among listeners; the `listener` variable of expressions. */
  readonly name: string;
  readonly bind: readonly BindAddress[];
  readonly protocol: 'smtp';
  /** `starttls` offers it, `require` wants it before MAIL, `implicit` speaks TLS from the first byte. */
  readonly tls: 'off' | 'starttls' | 'require' | 'implicit';
  readonly relay: RelayConfig;
  readonly maxMessageSize: number;
  readonly maxRecipients: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** What becomes of lone CR and LF in content. */
  readonly bareLineEnds: 'reject' | 'normalise';
}

/** Who may send to where: clients in `networks` to anywhere, everyone to `domains`. Nothing else relays. */
export interface RelayConfig {
  readonly networks: readonly Network[];
  /** Lower-case byte strings, exact names. */
  readonly domains: readonly string[];
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
  readonly mode: 'queue';
  /** The first that matches a recipient carries it. */
  readonly routes: readonly RouteConfig[];
  /** Waits between attempts; the last one repeats. At least one. */
  readonly retry: readonly number[];
  /** Age at which an entry is given up. */
  readonly expire: number;
  readonly concurrency: { readonly total: number; readonly perDestination: number };
}

/** One route: a condition on the recipient, and the means. */
export type RouteConfig = { readonly match: Block } & RouteTarget;

/** How a route delivers. */
export type RouteTarget =
  /** `to`: next hops in order of preference. */
  | {
      readonly via: 'smtp';
      readonly to: readonly HostPort[];
      readonly tls: 'off' | 'opportunistic' | 'require';
    }
  /** `path`: absolute, may hold `{local}`, `{domain}`, `{address}`. */
  | { readonly via: 'maildir'; readonly path: string }
  | { readonly via: 'discard' };
