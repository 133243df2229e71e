/** The trace field we put on top of every message: `Received:` by RFC 5321 4.4 and RFC 8314 7.1. Nothing of a stranger's text gets in raw. */
import { mailDate, makeField, protocolWord, type HeaderField, type Origin, type Recipient } from '#message';

/** The field, marked as our own: filters do not see it. `now` in milliseconds since 1970. */
export function receivedField(
  origin: Origin,
  hostname: string,
  id: string,
  recipients: readonly Recipient[],
  now: number,
): HeaderField {
  const name = tame(origin.clientName) || 'unknown';
  const from = `from ${tame(origin.helo) || 'unknown'} (${name} [${addressLiteral(origin.remoteAddress)}])`;
  const tls = origin.tls
    ? `\n\t(using ${tame(origin.tls.version)} with cipher ${tame(origin.tls.cipher)})`
    : '';
  const one = recipients.length === 1 ? recipients[0]!.path.address : '';
  const rcpt = one !== '' && /^[\x21-\x3b\x3d\x3f-\x7e]+$/.test(one) ? `\n\tfor <${one}>` : '';
  const by = `\n\tby ${hostname} (Millrace) with ${protocolWord(origin)} id ${id}`;
  return makeField('Received', ` ${from}${tls}${by}${rcpt};\n\t${mailDate(now)}`, true);
}

/** A stranger's word made safe for a structured field. */
function tame(text: string): string {
  return text.replace(/[^A-Za-z0-9.\-_:[\]]/g, '?').slice(0, 255);
}

function addressLiteral(address: string): string {
  return address.includes(':') ? `IPv6:${address}` : address || 'local';
}
