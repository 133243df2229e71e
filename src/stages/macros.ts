/** Macro values as Sendmail and Postfix give them (milter reference 6.4). A macro without a value is '' and is left out. */
import type { Clock } from '#clock';
import {
  decodeXtext,
  enhancedOf,
  mailDate,
  protocolWord,
  type Origin,
  type Path,
  type Recipient,
  type Status,
} from '#message';
import type { MacroLookup } from '#milter/protocol';
import type { SessionFacts } from './session.ts';
import type { Mailer } from './settings.ts';

/** What macros say of this host. */
export interface MacroHost {
  readonly hostname: string;
  readonly version: string;
  readonly mailerOf: (address: string) => Mailer;
  readonly clock: Pick<Clock, 'now'>;
}

/** Looks macros up in the facts as they stand when it is called; `recipient` is the one the event is about. */
export function macrosOf(facts: SessionFacts, host: MacroHost, recipient: Recipient | null): MacroLookup {
  const routed = mailersOf(host);
  return (name) => {
    switch (name) {
      case 'j':
        return host.hostname;
      case 'v':
        return host.version;
      case 'b':
        return mailDate(host.clock.now());
      case '{if_name}':
        return isLoopback(facts.origin.localAddress) ? 'localhost' : host.hostname;
      case 'i':
        return facts.transaction?.id;
      case '{rcpt_addr}':
        return recipient?.path.address;
      case '{rcpt_host}':
        return routed(recipient?.path).host;
      case '{rcpt_mailer}':
        return routed(recipient?.path).mailer;
      case '{mail_addr}':
        return facts.transaction?.sender.address;
      case '{mail_host}':
        return routed(facts.transaction?.sender).host;
      case '{mail_mailer}':
        return routed(facts.transaction?.sender).mailer;
      case '{msg_id}':
        return facts.messageId;
      default:
        return connectionMacro(facts.origin, name) ?? tlsMacro(facts.origin, name) ?? authMacro(facts, name);
    }
  };
}

const NOWHERE: Mailer = Object.freeze({ mailer: '', host: '' });

/** Mailers by address, the routes asked once for the two macros that speak of one. */
function mailersOf(host: MacroHost): (path: Path | undefined) => Mailer {
  let last: Path | undefined;
  let found = NOWHERE;
  return (path) => {
    if (path === last) return found;
    last = path;
    found = path?.address ? host.mailerOf(path.address) : NOWHERE;
    return found;
  };
}

/** Macros of a recipient the MTA refused: `error`, the enhanced code, the text (milter reference 7.8). */
export function refusedMacros(facts: SessionFacts, host: MacroHost, refusal: Status): MacroLookup {
  const others = macrosOf(facts, host, null);
  return (name) => {
    switch (name) {
      case '{rcpt_mailer}':
        return 'error';
      case '{rcpt_host}':
        return refusal.enhanced || enhancedOf(refusal);
      case '{rcpt_addr}':
        return refusal.text.replaceAll('\n', ' ');
      default:
        return others(name);
    }
  };
}

/** The host string of CONNECT: the verified name, else the address in brackets (milter reference 8). */
export function clientHost(origin: Origin): string {
  if (origin.clientName) return origin.clientName;
  return origin.remoteAddress ? `[${origin.remoteAddress}]` : 'localhost';
}

function connectionMacro(origin: Origin, name: string): string | undefined {
  switch (name) {
    case '_':
      return validatedClient(origin);
    case '{daemon_name}':
      return origin.listener;
    case '{daemon_addr}':
      return spelled(origin.localAddress);
    case '{daemon_port}':
      return origin.localAddress ? String(origin.localPort) : '';
    case '{if_addr}':
      // Left out for the loopback interface, as Sendmail does.
      return isLoopback(origin.localAddress) ? '' : spelled(origin.localAddress);
    case '{client_addr}':
      return spelled(origin.remoteAddress);
    case '{client_name}':
      return origin.clientName || nobody(origin);
    case '{client_ptr}':
      return origin.clientPtr || nobody(origin);
    case '{client_port}':
      return String(origin.remotePort);
    case '{client_connections}':
      return String(origin.clientConnections);
    case '{client_resolve}':
      if (origin.clientName || !origin.remoteAddress) return 'OK';
      return origin.clientPtr ? 'FORGED' : 'FAIL';
    case 's':
      return origin.helo;
    case 'r':
      return protocolWord(origin);
    default:
      return undefined;
  }
}

/** Name by PTR and address; a name that does not lead back is marked, in the words of both MTAs. */
function validatedClient(origin: Origin): string {
  if (!origin.remoteAddress) return 'localhost';
  const forged = origin.clientPtr && !origin.clientName ? ' (may be forged)' : '';
  return `${origin.clientPtr || origin.clientName || 'unknown'} [${origin.remoteAddress}]${forged}`;
}

/** The name of a client without one: on a unix socket it is on this machine. */
const nobody = (origin: Origin): string => (origin.remoteAddress ? 'unknown' : 'localhost');

function tlsMacro({ tls }: Origin, name: string): string | undefined {
  switch (name) {
    case '{tls_version}':
      return tls?.version ?? '';
    case '{cipher}':
      return tls?.cipher ?? '';
    case '{cipher_bits}':
      return tls ? String(tls.bits) : '';
    case '{cert_subject}':
      return tls?.certSubject ?? '';
    case '{cert_issuer}':
      return tls?.certIssuer ?? '';
    case '{verify}':
      return tls?.certCheck ?? '';
    case '{tls_sni}':
      return tls?.sni ?? '';
    default:
      return undefined;
  }
}

function authMacro({ origin, transaction }: SessionFacts, name: string): string | undefined {
  // Filters trust whoever has these: nobody has them unauthenticated, whatever MAIL says.
  if (!origin.user) return undefined;
  switch (name) {
    case '{auth_authen}':
      return origin.user;
    case '{auth_type}':
      return origin.authMethod;
    case '{auth_author}':
      return submitterOf(transaction?.senderParams ?? []);
    case '{auth_ssf}':
      // PLAIN and LOGIN bring no security layer of their own.
      return '0';
    default:
      return undefined;
  }
}

/** The AUTH parameter of MAIL, its xtext undone (RFC 4954 5, RFC 3461 4); '' without one. */
function submitterOf(senderParams: readonly string[]): string {
  const param = senderParams.find((p) => /^AUTH=/i.test(p));
  if (param === undefined) return '';
  return decodeXtext(param.slice('AUTH='.length));
}

/** IPv6 with the prefix both MTAs write in macros. */
const spelled = (address: string): string => (address.includes(':') ? `IPv6:${address}` : address);

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');
