/** Where a message or a connection came from: facts about the SMTP client, for filters, expressions, traces and logs. */

/** What is known of TLS on the connection. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly version: string;
  /** Suite name, `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Effective key bits. */
  readonly bits: number;
  /** Client certificate's distinguished names, when one was presented and verified; else ''. */
  readonly certSubject: string;
  readonly certIssuer: string;
  /** The client's certificate: `NOT` asked for, `NO` none came, `FAIL` not verified, `OK`. */
  readonly certCheck: 'NOT' | 'NO' | 'FAIL' | 'OK';
  /** Server name the client asked for; ''. */
  readonly sni: string;
}

/** Whose mail a client passes on, by the client's own word (XFORWARD): for the log alone. '' and 0: not said, or unknown. */
export interface Forwarded {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly helo: string;
  /** The client's own queue id. */
  readonly ident: string;
  /** `LOCAL` or `REMOTE`. */
  readonly source: string;
}

/** One SMTP connection as everyone sees it. Replaced as a whole when a fact changes (EHLO, STARTTLS, AUTH). */
export interface Origin {
  /** Name of the listener (the `listener` variable). */
  readonly listener: string;
  readonly protocol: 'smtp' | 'lmtp';
  /** Session id for logs. */
  readonly session: string;
  /** Client address: canonical text, IPv4-mapped IPv6 as IPv4; '' for a unix socket client. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Verified client name (PTR confirmed by address look-up), or ''. */
  readonly clientName: string;
  /** Unverified PTR name, or ''. */
  readonly clientPtr: string;
  /** EHLO/HELO/LHLO argument as sent (byte string), '' before; and which verb said it. */
  readonly helo: string;
  readonly heloVerb: '' | 'HELO' | 'EHLO' | 'LHLO';
  readonly tls: TlsFacts | null;
  /** SASL authentication identity and mechanism; '' when not authenticated. */
  readonly user: string;
  readonly authMethod: string;
  /** Connections open from this client now, this one included. */
  readonly clientConnections: number;
  /** Address of the trusted peer that spoke for the client (PROXY, XCLIENT); absent when the client came itself. */
  readonly proxy?: string;
  /** That peer did not say who its client is: the address is the peer's own and gives nobody any trust. */
  readonly undeclared?: boolean;
  /** For this transaction; absent without XFORWARD. */
  readonly forwarded?: Forwarded;
}

/** `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPA`, `ESMTPSA`, `LMTP…`: RFC 3848; also what the trace field says. */
export function protocolWord(origin: Origin): string {
  if (origin.heloVerb === 'HELO') return 'SMTP';
  const base = origin.protocol === 'lmtp' ? 'LMTP' : 'ESMTP';
  return base + (origin.tls ? 'S' : '') + (origin.user ? 'A' : '');
}
