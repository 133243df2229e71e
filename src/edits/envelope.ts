/**
 * Envelope edits of a filter: recipients added and removed, the sender changed.
 *
 * Addresses come with or without brackets. What could break out of an SMTP command is refused as the filter's error.
 * Parameters: as Postfix does, only NOTIFY and ORCPT for recipients and RET and ENVID for the sender are taken; others are
 * left out (milter reference 12.2). Pure.
 */
import { pathOf, sameAddress, withoutBrackets, type Envelope, type Recipient } from '#message';
import { EditError } from './error.ts';

/** Longest address a filter may set: a path of RFC 5321 4.5.3.1.3 with room for UTF-8. */
export const MAX_ADDRESS = 1024;
/** Most recipients a message may have after filters added some. */
export const MAX_RECIPIENTS = 10_000;

/** ADDRCPT and ADDRCPT_PAR. An empty address and one that is there already change nothing. */
export function addRecipient(envelope: Envelope, text: string, params: string): Envelope {
  const address = checked(text);
  if (address === '' || envelope.recipients.some((r) => sameAddress(r.path.address, address)))
    return envelope;
  const added: Recipient = { path: pathOf(address), params: taken(params, ['NOTIFY', 'ORCPT']) };
  return { ...envelope, recipients: [...envelope.recipients, added] };
}

/** DELRCPT. Not a recipient: no effect. */
export function deleteRecipient(envelope: Envelope, text: string): Envelope {
  const address = checked(text);
  const recipients = envelope.recipients.filter((r) => !sameAddress(r.path.address, address));
  return recipients.length === envelope.recipients.length ? envelope : { ...envelope, recipients };
}

/** CHGFROM. `<>` and '' make the null sender. RET and ENVID given here replace the client's; its other parameters stay. */
export function changeSender(envelope: Envelope, text: string, params: string): Envelope {
  const address = checked(text);
  const own = taken(params, ['RET', 'ENVID']);
  const keywords = new Set(own.map(keyword));
  const kept = envelope.senderParams.filter((p) => !keywords.has(keyword(p)));
  return { ...envelope, sender: pathOf(address), senderParams: [...kept, ...own] };
}

function checked(text: string): string {
  const address = withoutBrackets(text);
  if (address.length > MAX_ADDRESS) throw new EditError('address', `address of ${address.length} bytes`);
  if (!/^(?:"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"|[^\x00-\x20\x7f<>()",;\\])*$/.test(address))
    throw new EditError('address', `address ${JSON.stringify(address.slice(0, 80))} is not legal`);
  return address;
}

/** ESMTP parameters of `allowed` keywords from a blank-separated string; control characters are an error. */
function taken(text: string, allowed: readonly string[]): string[] {
  if (/[\x00-\x1f\x7f]/.test(text))
    throw new EditError('parameters', 'control character in ESMTP parameters');
  return text.split(' ').filter((p) => p !== '' && allowed.includes(keyword(p)));
}

const keyword = (param: string): string => param.split('=', 1)[0]!.toUpperCase();
