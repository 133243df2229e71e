/**
 * Envelope edits of a filter: recipients added and removed, the sender changed.
 *
 * Addresses come with or without brackets. What could break out of an SMTP command is refused as the filter's error.
 * Parameters: as Postfix does, only NOTIFY and ORCPT for recipients and RET and ENVID for the sender are taken; others are
 * left out (milter reference 12.2). Pure.
 */
import { addressKey, pathOf, withoutBrackets, type Envelope, type Recipient } from '#message';
import { EditError } from './error.ts';

/** Longest address a filter may set: a path of RFC 5321 4.5.3.1.3 with room for UTF-8. */
export const MAX_ADDRESS = 1024;
/** Most recipients a message may have after filters added some. */
export const MAX_RECIPIENTS = 10_000;

/** An envelope while edits are made on it: each costs the same, however many recipients there are. */
export class EnvelopeDraft {
  readonly #before: Envelope;
  #sender: Pick<Envelope, 'sender' | 'senderParams'>;
  /** In order; null where one was taken away. Made with the first edit of a recipient, like what follows. */
  #recipients: (Recipient | null)[] | null = null;
  /** Where those of an address stand, by its key. */
  readonly #places = new Map<string, number[]>();

  constructor(envelope: Envelope) {
    this.#before = envelope;
    this.#sender = envelope;
  }

  /** ADDRCPT and ADDRCPT_PAR. An empty address and one that is there already change nothing. */
  addRecipient(text: string, params: string): void {
    const address = checked(text);
    if (address === '') return;
    const added: Recipient = { path: pathOf(address), params: taken(params, ['NOTIFY', 'ORCPT']) };
    const recipients = this.#opened();
    const key = addressKey(address);
    if (this.#places.has(key)) return;
    this.#places.set(key, [recipients.push(added) - 1]);
  }

  /** DELRCPT. Not a recipient: no effect. */
  deleteRecipient(text: string): void {
    const key = addressKey(checked(text));
    const recipients = this.#opened();
    for (const at of this.#places.get(key) ?? []) recipients[at] = null;
    this.#places.delete(key);
  }

  /** CHGFROM. `<>` and '' make the null sender. RET and ENVID given here replace the client's; its other parameters stay. */
  changeSender(text: string, params: string): void {
    const address = checked(text);
    const own = taken(params, ['RET', 'ENVID']);
    const keywords = new Set(own.map(keyword));
    const kept = this.#sender.senderParams.filter((p) => !keywords.has(keyword(p)));
    this.#sender = { sender: pathOf(address), senderParams: [...kept, ...own] };
  }

  /** As it stands now. */
  get envelope(): Envelope {
    const { sender, senderParams } = this.#sender;
    const recipients = this.#recipients?.filter((r) => r !== null) ?? this.#before.recipients;
    return { sender, senderParams, recipients };
  }

  #opened(): (Recipient | null)[] {
    if (this.#recipients !== null) return this.#recipients;
    this.#recipients = [...this.#before.recipients];
    for (const [at, { path }] of this.#before.recipients.entries()) {
      const key = addressKey(path.address);
      const places = this.#places.get(key);
      if (places) places.push(at);
      else this.#places.set(key, [at]);
    }
    return this.#recipients;
  }
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
