/**
 * The message as onMessage sees it, and everything handlers ask to be changed, until the end of message sends it.
 *
 * Edits are taken or refused at the call: FilterError `action_not_granted` names what to put into `needs`; after the answer it
 * is `edit`. One message's edits are made into one list, or none of them: a replaced body is read to its end first.
 */
import { byteStringOf, bytesOf } from '#message';
import { hasLeadingSpace, type Agreement, type Edit } from '#milter/protocol';
import { grants, type Action } from './actions.ts';
import { collect, type IncomingBody } from './body.ts';
import { FilterError } from './errors.ts';
import { headerEdits } from './header-edits.ts';
import { HeaderList, type Headers } from './headers.ts';
import { wireAddress, type Path } from './path.ts';

/** What onMessage gets. */
export interface Message {
  readonly headers: Headers;
  /** Bytes of body; with `stream` those that have come so far. */
  readonly size: number;
  /** The body, CRLF line ends, cut anywhere. With `stream` it can be read once. */
  readonly body: AsyncIterable<Uint8Array>;
  /** The whole body, at most `limits.body`. */
  bytes(): Promise<Uint8Array>;
  /** Text is written as UTF-8 with CRLF line ends; bytes as they are. The last call counts. */
  replaceBody(body: string | Uint8Array | AsyncIterable<Uint8Array>): void;
  /** A new envelope sender; '' or `<>` is the null sender. `params`: ESMTP parameters, separated by spaces. */
  changeFrom(address: string | Path, params?: string): void;
  addRecipient(address: string | Path, params?: string): void;
  removeRecipient(address: string | Path): void;
}

/** The edits of one message, asked for by any of its handlers. */
export class MessageEdits {
  readonly headers: HeaderList;
  /** Why the message is to be held; the first reason counts. */
  quarantine: string | null = null;
  #body: Uint8Array | AsyncIterable<Uint8Array> | null = null;
  #sender: Edit | null = null;
  readonly #recipients: Edit[] = [];
  readonly #agreement: Agreement;
  #sealed = false;
  #voided = false;

  constructor(agreement: Agreement) {
    this.#agreement = agreement;
    this.headers = new HeaderList((...actions) => this.require(...actions));
  }

  /** One of the actions was granted and edits can still be sent; else throws. */
  require(...actions: readonly Action[]): void {
    if (this.#sealed) throw new FilterError('edit', 'the answer for this message was already given');
    if (actions.some((action) => grants(this.#agreement.actions, action))) return;
    throw new FilterError(
      'action_not_granted',
      `the right ${actions.join(' or ')} was not agreed on: name it in needs of the filter`,
    );
  }

  /** No more edits. */
  seal(): void {
    this.#sealed = true;
  }

  replaceBody(body: string | Uint8Array | AsyncIterable<Uint8Array>): void {
    this.require('replaceBody');
    this.#body = typeof body === 'string' ? bytesOf(byteStringOf(body.replace(/\r?\n/g, '\r\n'))) : body;
  }

  changeFrom(address: string | Path, params = ''): void {
    this.require('changeFrom');
    this.#sender = { kind: 'changeSender', address: wireAddress(address), params: checkedParams(params) };
  }

  addRecipient(address: string | Path, params = ''): void {
    this.require(params === '' ? 'addRecipient' : 'addRecipientParams');
    this.#recipient({ kind: 'addRecipient', address: wireAddress(address), params: checkedParams(params) });
  }

  removeRecipient(address: string | Path): void {
    this.require('removeRecipient');
    this.#recipient({ kind: 'deleteRecipient', address: wireAddress(address) });
  }

  /** Takes all edits back: a handler failed half-way. */
  void(): void {
    this.#sealed = true;
    this.#voided = true;
  }

  /** All edits were taken back. */
  get voided(): boolean {
    return this.#voided;
  }

  /** Something is to be sent at end of message. */
  get pending(): boolean {
    return this.unsettled || this.list().length > 0;
  }

  /** Makes sure a replaced body is there in full, so that no edit is sent if it breaks. */
  async settle(limit: number): Promise<void> {
    if (this.#body !== null && Symbol.asyncIterator in this.#body)
      this.#body = await collect(this.#body, limit);
  }

  /** Whether settle has to be awaited. */
  get unsettled(): boolean {
    return this.#body !== null && Symbol.asyncIterator in this.#body;
  }

  /** All edits in the order they are to be sent: envelope, header, body, quarantine. After `settle`. */
  list(): Edit[] {
    if (this.#voided) return [];
    const edits: Edit[] = this.#sender ? [this.#sender] : [];
    edits.push(...this.#recipients);
    edits.push(
      ...headerEdits(this.headers, {
        leadingSpace: hasLeadingSpace(this.#agreement),
        mayAdd: grants(this.#agreement.actions, 'addHeaders'),
      }),
    );
    if (this.#body instanceof Uint8Array) edits.push({ kind: 'replaceBody', chunks: [this.#body] });
    if (this.quarantine !== null)
      edits.push({ kind: 'quarantine', reason: printableReason(this.quarantine) });
    return edits;
  }

  /** The same wish twice is one edit. */
  #recipient(edit: Edit): void {
    const text = JSON.stringify(edit);
    if (this.#recipients.every((e) => JSON.stringify(e) !== text)) this.#recipients.push(edit);
  }
}

/** The Message of onMessage. */
export function messageOf(edits: MessageEdits, body: IncomingBody, limit: number): Message {
  return {
    headers: edits.headers,
    get size() {
      return body.size;
    },
    get body() {
      return body.read();
    },
    bytes: () => collect(body.read(), limit),
    replaceBody: (b) => edits.replaceBody(b),
    changeFrom: (address, params) => edits.changeFrom(address, params),
    addRecipient: (address, params) => edits.addRecipient(address, params),
    removeRecipient: (address) => edits.removeRecipient(address),
  };
}

function checkedParams(params: string): string {
  const text = byteStringOf(params.trim());
  if (/[\x00-\x1f\x7f]/.test(text)) throw new FilterError('edit', 'control characters in ESMTP parameters');
  return text;
}

/** One line; the wire demands that it is not empty (milter reference 3). */
function printableReason(reason: string): string {
  return (
    byteStringOf(reason)
      .replace(/[\x00-\x1f\x7f]+/g, ' ')
      .trim() || 'held by filter'
  );
}
