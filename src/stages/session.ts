/** What a chain knows of its SMTP connection and of the open transaction: the source of macros and expression variables. */
import { domainOf, priorityOf, utf8Of, type Origin, type Path, type Recipient } from '#message';
import type { VariableValue } from './settings.ts';

/** MAIL to end-of-data or reset. */
export interface Transaction {
  /** Queue id, known from MAIL on. */
  readonly id: string;
  readonly sender: Path;
  readonly senderParams: readonly string[];
  /** When MAIL came, by Clock.elapsed. */
  readonly began: number;
  /** Accepted recipients so far, in order. */
  readonly recipients: Recipient[];
  /** A filter whose `onError` is quarantine failed: why the message is to be held. */
  hold: { readonly reason: string; readonly by: string } | null;
}

/** The facts of one SMTP connection. Mutable, owned by the chain. */
export interface SessionFacts {
  origin: Origin;
  transaction: Transaction | null;
  /** The recipient on offer while filters are asked about it. */
  candidate: Recipient | null;
  /** Value of the Message-ID field, '' until the header was read. */
  messageId: string;
  /** Milliseconds that all filters were waited for so far, as a sum. */
  waited: number;
  /** The SMTP connection is over: nobody waits for answers any more, and nothing may be accepted. */
  over: boolean;
}

/** The value of an `enable` variable now (expressions reference 3.1 and 3.2); unknown yet = the empty value. */
export function variableOf(facts: SessionFacts, name: string): VariableValue {
  const { origin, transaction, candidate } = facts;
  switch (name) {
    case 'listener':
      return origin.listener;
    case 'remote_ip':
      return origin.remoteAddress;
    case 'remote_port':
      return origin.remotePort;
    case 'local_ip':
      return origin.localAddress;
    case 'local_port':
      return origin.localPort;
    case 'protocol':
      return origin.protocol;
    case 'is_tls':
      return origin.tls ? 1 : 0;
    case 'helo_domain':
      return utf8Of(origin.helo);
    case 'authenticated_as':
      return utf8Of(origin.user);
    case 'sender':
      return shown(transaction?.sender);
    case 'sender_domain':
      return domainOf(shown(transaction?.sender));
    case 'rcpt':
      return shown(lastRecipient(transaction, candidate)?.path);
    case 'rcpt_domain':
      return domainOf(shown(lastRecipient(transaction, candidate)?.path));
    case 'recipients':
      return [...(transaction?.recipients ?? []), ...(candidate ? [candidate] : [])].map((r) =>
        shown(r.path),
      );
    case 'priority':
      return priorityOf(transaction?.senderParams ?? []);
    case 'asn':
      return 0;
    default:
      return '';
  }
}

const shown = (path: Path | undefined): string => (path ? utf8Of(path.address).toLowerCase() : '');

const lastRecipient = (transaction: Transaction | null, candidate: Recipient | null): Recipient | undefined =>
  candidate ?? transaction?.recipients.at(-1);
