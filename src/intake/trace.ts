/**
 * The trace field we put on top of every message: `Received:` by RFC 5321 4.4, RFC 3848, RFC 6531 4.3 and RFC 8314 4.3.
 *
 * Always one well-formed field in printable ASCII, folded where a line would be longer than 78, whatever a stranger says of
 * itself: what is no domain or address literal does not get into the place of one. Never names more than one recipient, and
 * never who authenticated.
 */
import {
  mailDate,
  makeField,
  parameter,
  protocolWord,
  type Envelope,
  type HeaderField,
  type Origin,
} from '#message';

/** RFC 5322 2.1.1: where a line is folded when it can be. */
const WIDTH = 78;

const DOMAIN =
  /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;
const LITERAL = /^\[(?:IPv6:[0-9A-Fa-f:.]{2,45}|[0-9.]{7,15})\]$/;
/** A mailbox that every reader of trace fields finds the end of: no quotes, no comments. */
const PLAIN_MAILBOX = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[A-Za-z0-9._-]+|\[[A-Za-z0-9.:-]+\])$/;

/** The field, marked as our own: filters do not see it. `now` in milliseconds since 1970. */
export function receivedField(
  origin: Origin,
  hostname: string,
  id: string,
  envelope: Envelope,
  now: number,
): HeaderField {
  const clauses = [fromWords(origin)];
  const { tls } = origin;
  if (tls) clauses.push(['(using', tame(tls.version), 'with', 'cipher', `${tame(tls.cipher)})`]);
  clauses.push(['by', hostname, '(Millrace)', 'with', withWord(origin, envelope), 'id', id]);
  const last: string[] = [];
  const one = envelope.recipients.length === 1 ? envelope.recipients[0]!.path.address : '';
  if (PLAIN_MAILBOX.test(one)) last.push('for', `<${one}>`);
  // The clause takes the registered name of a suite; OpenSSL names those of TLS 1.3 so, older ones in its own way.
  if (tls && /^TLS_[A-Z0-9_]{1,60}$/.test(tls.cipher)) last.push('tls', tls.cipher);
  if (last.length > 0) clauses.push(last);
  clauses.at(-1)!.push(`${clauses.at(-1)!.pop()};`);
  clauses.push([mailDate(now)]);
  return makeField('Received', folded('Received:'.length, clauses), true);
}

/** `from HELO (NAME [ADDRESS])`; a greeting that is no name stands in the comment. */
function fromWords({ helo, clientName, remoteAddress }: Origin): string[] {
  const name = isDomain(clientName) ? clientName : 'unknown';
  const where = remoteAddress === '' ? '(local)' : `(${name} [${addressLiteral(remoteAddress)}])`;
  if (isDomain(helo) || LITERAL.test(helo)) return ['from', helo, ...where.split(' ')];
  return ['from', 'unknown', ...`${where.slice(0, -1)} helo=${tame(helo) || 'none'})`.split(' ')];
}

/** The protocol; with SMTPUTF8 in its internationalized form (RFC 6531 4.3): `UTF8SMTPS`. */
function withWord(origin: Origin, { senderParams }: Envelope): string {
  const word = protocolWord(origin);
  if (senderParams.length === 0 || parameter(senderParams, 'SMTPUTF8') === undefined) return word;
  return `UTF8${word.startsWith('E') ? word.slice(1) : word}`;
}

/** Each clause on a line of its own, and further lines where it is too long for one. */
function folded(before: number, clauses: readonly (readonly string[])[]): string {
  let text = '';
  let width = before;
  for (let i = 0; i < clauses.length; i++) {
    const words = clauses[i]!;
    for (let w = 0; w < words.length; w++) {
      const word = words[w]!;
      if ((w === 0 && i > 0) || (width + 1 + word.length > WIDTH && (w > 0 || i > 0))) {
        text += `\n\t${word}`;
        width = 8 + word.length;
      } else {
        text += ` ${word}`;
        width += 1 + word.length;
      }
    }
  }
  return text;
}

const isDomain = (text: string): boolean => text.length <= 255 && DOMAIN.test(text);

/** A stranger's word made safe for a comment. */
function tame(text: string): string {
  return text.slice(0, 255).replace(/[^A-Za-z0-9.\-_:[\]]/g, '?');
}

function addressLiteral(address: string): string {
  const safe = tame(address);
  return safe.includes(':') ? `IPv6:${safe}` : safe;
}
