/**
 * The content of one message on its way in: cut into header fields and body, given to the streaming filters, kept for the spool.
 *
 * Takes views of the socket's chunks and copies none of them. Memory is bounded by the header limit and by the draft, which
 * spills to disk; a promise from write() is back-pressure from the disk or from a filter. Trouble while content comes is
 * remembered and answered after the final dot: the client is never cut off in mid-content.
 */
import { HeaderSplitter, status, type Body, type BodyDraft, type HeaderField, type Status } from '#message';
import { SpoolError } from '#spool';
import type { MessageContent } from '#stages';
import type { IntakeLimits } from './options.ts';

/** One message being received. */
export class IncomingContent {
  /** Fields so far, the own trace field first. */
  readonly fields: HeaderField[];
  readonly #splitter = new HeaderSplitter();
  readonly #draft: BodyDraft;
  readonly #filters: MessageContent;
  readonly #limits: IntakeLimits;
  #shown = 0;
  #hops = 0;
  #refusal: Status | null = null;

  constructor(trace: HeaderField, draft: BodyDraft, filters: MessageContent, limits: IntakeLimits) {
    this.fields = [trace];
    this.#draft = draft;
    this.#filters = filters;
    this.#limits = limits;
  }

  /** Bytes that came. */
  size = 0;

  /** Why this message cannot be taken, whatever the filters say; null so far. */
  get refusal(): Status | null {
    return this.#refusal;
  }

  /** The next bytes of the message, dots un-stuffed. */
  write(chunk: Uint8Array): void | Promise<void> {
    this.size += chunk.length;
    if (this.#refusal) return;
    if (this.#splitter.done) return this.#body(chunk);
    const body = this.#splitter.push(chunk, this.fields);
    const wait = this.#headerGrew();
    if (!body || this.#refusal) return wait;
    return wait ? wait.then(() => this.#body(body)) : this.#body(body);
  }

  /** The final dot: the finished body, or null when there is a refusal. */
  async finish(): Promise<Body | null> {
    try {
      if (!this.#splitter.done) {
        const rest = this.#splitter.end(this.fields);
        await this.#headerGrew();
        if (rest && !this.#refusal) await this.#body(rest);
      }
      return this.#refusal ? null : await this.#draft.finish();
    } catch (error) {
      this.#refusal = storageReply(error);
      return null;
    }
  }

  /** Nothing of it will be kept. */
  discard(): void {
    this.#draft.discard();
  }

  #headerGrew(): void | Promise<void> {
    const { fields } = this;
    const fresh = this.#shown === 0 ? fields.slice(1) : fields.slice(this.#shown);
    this.#shown = fields.length;
    for (const field of fresh) if (field.key === 'received') this.#hops++;
    if (
      this.#splitter.size + this.#splitter.pending > this.#limits.maxHeaderSize ||
      fields.length > this.#limits.maxHeaderFields
    )
      this.#refusal = status(552, '5.3.4', 'Message header exceeds the limit');
    else if (this.#hops >= this.#limits.maxHops) this.#refusal = status(554, '5.4.6', 'Too many hops');
    if (this.#refusal) return;
    const wait = fresh.length ? this.#filters.fields(fresh) : undefined;
    if (!this.#splitter.done) return wait;
    const end = (): void | Promise<void> => this.#filters.endOfHeaders(this.#messageId());
    return wait ? wait.then(end) : end();
  }

  #body(chunk: Uint8Array): void | Promise<void> {
    const filters = this.#filters.body(chunk);
    let disk: void | Promise<void>;
    try {
      disk = this.#draft.write(chunk);
    } catch (error) {
      this.#refusal = storageReply(error);
      return;
    }
    if (!disk) return filters;
    const kept = disk.catch((error: unknown) => {
      this.#refusal = storageReply(error);
    });
    return filters ? Promise.all([filters, kept]).then(() => undefined) : kept;
  }

  #messageId(): string {
    return this.fields.find((f) => f.key === 'message-id')?.text() ?? '';
  }
}

/** What the client is told when the spool cannot take the message (P9). Anything but storage trouble is thrown on. */
export function storageReply(error: unknown): Status {
  if (!(error instanceof SpoolError)) throw error;
  return error.code === 'full'
    ? status(452, '4.3.1', 'Insufficient system storage')
    : status(451, '4.3.0', 'Message could not be stored, try again later');
}
