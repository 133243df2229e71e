/**
 * DKIM signatures checked from the bytes alone (RFC 6376, 3.4 to 3.7), with nothing of the gateway's: rsa-sha256, both
 * canonicalisations. For tests that must know whether a delivered message is byte for byte what was signed.
 */
import { createHash, createVerify, type KeyObject } from 'node:crypto';

/** What is wrong with the message's first DKIM-Signature, '' when it holds. `content`: a byte string with CRLF line ends. */
export function dkimFault(content: string, key: KeyObject): string {
  const end = content.startsWith('\r\n') ? 0 : content.indexOf('\r\n\r\n') + 2;
  const fields = content.slice(0, end).match(/[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*/g) ?? [];
  const signature = fields.find((field) => /^dkim-signature:/i.test(field));
  if (!signature) return 'there is no signature';
  const tags = new Map<string, string>();
  for (const tag of signature.slice(signature.indexOf(':') + 1).split(';')) {
    const [name, ...value] = tag.split('=');
    if (name) tags.set(name.trim(), value.join('=').replace(/\s/g, ''));
  }
  if (tags.get('a') !== 'rsa-sha256') return `algorithm ${tags.get('a')}`;
  const [ofHeader = 'simple', ofBody = 'simple'] = (tags.get('c') ?? '').split('/');
  const body = ofBody === 'relaxed' ? relaxedBody(content.slice(end + 2)) : content.slice(end + 2);
  const hash = createHash('sha256').update(withoutEmptyEnd(body, ofBody), 'latin1').digest('base64');
  if (hash !== tags.get('bh')) return `body hash ${tags.get('bh')} in the signature, ${hash} of the body`;

  const canonical = (field: string): string => (ofHeader === 'relaxed' ? relaxedField(field) : field);
  const left = new Map<string, string[]>();
  for (const field of fields) {
    const name = nameOf(field);
    left.set(name, [...(left.get(name) ?? []), field]);
  }
  // Fields of one name are taken from the bottom up; one that is not there counts as nothing (5.4.2).
  const signed = (tags.get('h') ?? '').split(':').map((name) => left.get(name.toLowerCase())?.pop() ?? '');
  const own = canonical(
    signature.replace(/(;\s*b\s*=)[^;]*/, (whole, tag: string) => tag + (/\r\n$/.exec(whole)?.[0] ?? '')),
  );
  const data =
    signed
      .filter((field) => field !== '')
      .map(canonical)
      .join('') + own.replace(/\r\n$/, '');
  const verified = createVerify('sha256')
    .update(data, 'latin1')
    .verify(key, tags.get('b') ?? '', 'base64');
  return verified ? '' : `the signature over ${tags.get('h')} does not hold`;
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(':')).trim().toLowerCase();
}

function relaxedField(field: string): string {
  const value = field.slice(field.indexOf(':') + 1).replaceAll('\r\n', '');
  return `${nameOf(field)}:${value.replace(/[ \t]+/g, ' ').trim()}\r\n`;
}

function relaxedBody(body: string): string {
  return body.replace(/[ \t]+/g, ' ').replace(/ \r\n/g, '\r\n');
}

/** Empty lines at the end do not count; an empty body is one line end when simple, nothing when relaxed. */
function withoutEmptyEnd(body: string, kind: string): string {
  const cut = body.replace(/(?:\r\n)+$/, '');
  return cut === '' && kind === 'relaxed' ? '' : cut + '\r\n';
}
