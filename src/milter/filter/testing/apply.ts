/**
 * What an MTA makes of a filter's edits: the message as it would be delivered, by Postfix's rules (milter reference 12).
 *
 * Kept apart from the gateway's own, so that neither can agree with itself. Pure; never fails.
 */
import { bytesOf, latin1, sameAddress, utf8Of, withoutBrackets } from '#message';
import type { Edit } from '#milter/protocol';
import type { Mail } from './source.ts';

/** A field as lines of the delivered message, byte strings. */
export interface DeliveredField {
  readonly name: string;
  /** Everything after the colon, folds CRLF, without the last line end. */
  readonly rest: string;
}

/** The message as it would go on. */
export interface Delivered {
  readonly fields: readonly DeliveredField[];
  readonly body: Uint8Array;
  readonly sender: string;
  readonly recipients: readonly string[];
}

const OWN: DeliveredField = Object.freeze({ name: 'Received', rest: ' (of the MTA)' });

/** Applies the edits in their order. `leadingSpace`: values bring their own space. */
export function applyTo(
  mail: Mail,
  envelope: { sender: string; recipients: readonly string[] },
  edits: readonly Edit[],
  leadingSpace: boolean,
): Delivered {
  const made = (name: string, value: string): DeliveredField => ({
    name,
    rest: (leadingSpace ? '' : ' ') + value.replace(/\r?\n/g, '\r\n'),
  });
  const fields = [OWN, ...mail.fields.map((f) => ({ name: f.name, rest: latin1(f.value) }))];
  let { body } = mail;
  let { sender } = envelope;
  let recipients = [...envelope.recipients];
  const bare = (address: string): string => utf8Of(withoutBrackets(address));
  for (const edit of edits) {
    switch (edit.kind) {
      case 'addHeader':
        fields.push(made(edit.name, edit.value));
        break;
      case 'insertHeader':
        fields.splice(Math.min(edit.index, fields.length), 0, made(edit.name, edit.value));
        break;
      case 'changeHeader': {
        const at = indexOfNth(fields, edit.name, edit.index);
        if (edit.value !== '')
          fields.splice(at < 0 ? fields.length : at, at < 0 ? 0 : 1, made(edit.name, edit.value));
        else if (at >= 0) fields.splice(at, 1);
        break;
      }
      case 'replaceBody':
        body = concat(edit.chunks);
        break;
      case 'addRecipient':
        if (!recipients.some((r) => sameAddress(r, bare(edit.address)))) recipients.push(bare(edit.address));
        break;
      case 'deleteRecipient':
        recipients = recipients.filter((r) => !sameAddress(r, bare(edit.address)));
        break;
      case 'changeSender':
        sender = bare(edit.address);
        break;
      case 'quarantine':
        break;
    }
  }
  return { fields: fields.filter((f) => f !== OWN), body, sender, recipients };
}

/** The raw message. */
export function rawMessage(message: Pick<Delivered, 'fields' | 'body'>): Uint8Array {
  const head = message.fields.map((f) => `${f.name}:${f.rest}\r\n`).join('');
  return concat([bytesOf(head + '\r\n'), message.body]);
}

/** The n-th of a name; the MTA's own field counts only once something stands above it. 0 is taken as 1. */
function indexOfNth(fields: readonly DeliveredField[], name: string, nth: number): number {
  let left = Math.max(1, nth);
  for (const [i, field] of fields.entries()) {
    if (field.name.toLowerCase() !== name.toLowerCase() || (field === OWN && i === 0)) continue;
    if (--left === 0) return i;
  }
  return -1;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
