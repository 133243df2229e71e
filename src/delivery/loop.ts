/** Finds mail that goes round in circles by its trace fields (RFC 5321 6.3) and by the mailboxes it has been in. Pure. */
import { asciiLower, domainOf, latin1, localPartOf } from '#message';

/** More `Received:` fields than this (our own included) make a loop. */
export const MAX_RECEIVED = 100;

const FIELD = 'received:';
/** No header block shorter than this can hold too many. */
const SHORTEST_LOOP = (MAX_RECEIVED + 1) * (FIELD.length + 2);

/** Whether a header block has been through too many hands. */
export function loops(header: Uint8Array): boolean {
  if (header.length < SHORTEST_LOOP) return false;
  let count = 0;
  for (let at = 0; at < header.length && count <= MAX_RECEIVED;) {
    // 82 or 114: only a line that begins with an R is worth a look.
    if (
      (header[at]! | 32) === 114 &&
      latin1(header, at, Math.min(at + FIELD.length, header.length)).toLowerCase() === FIELD
    )
      count++;
    const lf = header.indexOf(10, at);
    if (lf < 0) break;
    at = lf + 1;
  }
  return count > MAX_RECEIVED;
}

/**
 * Whether a header block says that the message lay in this mailbox before: a `Delivered-To:` field with the address, local part
 * as it is and domain in any case.
 */
export function deliveredBefore(header: Uint8Array, address: string): boolean {
  const wanted = comparable(address);
  for (const [, value] of latin1(header).matchAll(/^delivered-to:[ \t]*(?:\r\n[ \t]+)?([^\r\n]*)/gim))
    if (comparable(value!.trim()) === wanted) return true;
  return false;
}

const comparable = (address: string): string => `${localPartOf(address)}@${asciiLower(domainOf(address))}`;
