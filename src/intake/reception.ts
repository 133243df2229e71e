/**
 * The reception of one message: its content comes in, and after the final dot filters, edits, disk and reply follow.
 *
 * Made by path.ts at DATA. The draft lives exactly as long as it may be needed: it is thrown away unless the spool took it,
 * whatever happens, the client's going away included.
 */
import { isPositive, status, type Origin, type Status } from '#message';
import type { ContentFault, ContentSink } from '#smtp/server';
import type { Chain, MessageContent } from '#stages';
import { IncomingContent } from './incoming.ts';
import { keep } from './keep.ts';
import type { IntakeOptions } from './options.ts';
import { receivedField } from './trace.ts';

/** One message being received. */
export class Reception implements ContentSink {
  readonly #o: IntakeOptions;
  readonly #chain: Chain;
  readonly #origin: Origin;
  readonly #filters: MessageContent;
  readonly #incoming: IncomingContent;

  /** The chain has passed DATA. */
  constructor(options: IntakeOptions, chain: Chain, origin: Origin) {
    const { clock, hostname, limits, spool } = options;
    const { id, recipients } = chain.transaction!;
    this.#o = options;
    this.#chain = chain;
    this.#origin = origin;
    this.#filters = chain.content();
    const trace = receivedField(origin, hostname, id, recipients, clock.now());
    this.#incoming = new IncomingContent(trace, spool.draft(), this.#filters, limits);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#incoming.write(chunk);
  }

  /** The final dot has come. The transaction is over with the answer. */
  async end(fault: ContentFault | null): Promise<Status> {
    let taken = false;
    try {
      const reply = await this.#decide(fault);
      taken = isPositive(reply);
      return reply;
    } finally {
      if (!taken) this.#incoming.discard();
      this.#chain.endTransaction();
    }
  }

  /** The client is gone, or the session is cut: nothing of the message is kept. */
  abandon(): void {
    this.#incoming.discard();
  }

  async #decide(fault: ContentFault | null): Promise<Status> {
    const incoming = this.#incoming;
    const { id, sender, senderParams, recipients } = this.#chain.transaction!;
    const body = fault ? null : await incoming.finish();
    if (!body) return this.#refused(id, fault ? fault.status : incoming.refusal!);
    const envelope = { sender, senderParams, recipients };
    const ruling = await this.#filters.finish({ envelope, fields: incoming.fields, body, quarantine: null });
    if (ruling.kind === 'refuse') return this.#refused(id, ruling.status);
    const accepted = status(250, '2.0.0', `Ok: queued as ${id}`);
    if (ruling.kind === 'discard') {
      incoming.discard();
      const { by } = ruling;
      this.#o.notices('message.discarded', { id, session: this.#origin.session, by, from: sender.address });
      return accepted;
    }
    if (ruling.message.body !== body) incoming.discard();
    return (await keep(this.#o, id, this.#origin, ruling.message)) ?? accepted;
  }

  #refused(id: string, reply: Status): Status {
    const { code, enhanced, text, by } = reply;
    this.#o.notices('message.refused', { id, session: this.#origin.session, code, enhanced, text, by });
    return reply;
  }
}
