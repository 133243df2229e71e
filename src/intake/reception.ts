/**
 * The reception of one message: its content comes in, and after the final dot filters, edits, disk (or next hop) and reply follow.
 *
 * Made by path.ts at DATA. The draft lives exactly as long as it may be needed: it is thrown away unless the spool took it,
 * whatever happens, the client's going away included.
 */
import type { EditableMessage } from '#edits';
import type { HeaderField } from '#message';
import { isPositive, status, type Origin, type Status } from '#message';
import type { ContentFault, ContentSink } from '#smtp/server';
import type { Chain, MessageContent } from '#stages';
import { IncomingContent } from './incoming.ts';
import { keep } from './keep.ts';
import { MAX_RECIPIENTS } from './observer.ts';
import type { IntakeOptions } from './options.ts';
import { discardedFacts, passedFacts, refusedFacts } from './record.ts';
import type { Passage } from './through.ts';
import { receivedField } from './trace.ts';

/** How far a message got, for whoever watches. */
export interface Reached {
  /** undefined: it was refused. */
  readonly outcome: 'accepted' | 'held' | 'discarded' | 'passed' | undefined;
  readonly by: string | undefined;
  /** As it came. */
  readonly fields: readonly HeaderField[];
  readonly size: number;
  /** The first of those it goes to, and how many there are; null: the filters have not let it pass. */
  readonly recipients: readonly string[] | null;
  readonly count: number;
}

/** One message being received. */
export class Reception implements ContentSink {
  readonly #o: IntakeOptions;
  readonly #chain: Chain;
  readonly #origin: Origin;
  readonly #filters: MessageContent;
  readonly #incoming: IncomingContent;
  /** Where it goes instead of the spool. */
  readonly #passage: Passage | null;
  /** How far it got: what became of it, who wanted that, and the message as it went on. */
  #outcome: Reached['outcome'];
  #by: string | undefined;
  #message: EditableMessage | null = null;

  /** The chain has passed DATA. `passage`: where the message goes instead of the spool. */
  constructor(options: IntakeOptions, chain: Chain, origin: Origin, passage: Passage | null) {
    const { clock, hostname, limits, spool } = options;
    const { id } = chain.transaction!;
    this.#o = options;
    this.#chain = chain;
    this.#origin = origin;
    this.#passage = passage;
    this.#filters = chain.content();
    const trace = receivedField(origin, hostname, id, chain.transaction!, clock.now());
    this.#incoming = new IncomingContent(trace, spool.draft(), this.#filters, limits);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    return this.#incoming.write(chunk);
  }

  /** The final dot has come. The transaction is over with the answer. */
  async end(fault: ContentFault | null): Promise<Status | readonly Status[]> {
    let taken = false;
    try {
      const reply = await this.#decide(fault);
      taken = this.#passage === null && 'code' in reply && isPositive(reply);
      return reply;
    } finally {
      if (!taken) this.#incoming.discard();
      this.#passage?.end();
      this.#chain.endTransaction();
    }
  }

  /** How far it got. Made when asked. */
  get reached(): Reached {
    const { fields, size } = this.#incoming;
    const recipients = this.#message?.envelope.recipients ?? null;
    return {
      outcome: this.#outcome,
      by: this.#by,
      fields,
      size,
      recipients: recipients && recipients.slice(0, MAX_RECIPIENTS).map((r) => r.path.address),
      count: recipients?.length ?? 0,
    };
  }

  /** The client is gone, or the session is cut: nothing of the message is kept. */
  abandon(): void {
    this.#incoming.discard();
  }

  async #decide(fault: ContentFault | null): Promise<Status | readonly Status[]> {
    const incoming = this.#incoming;
    const { id, sender, senderParams, recipients } = this.#chain.transaction!;
    const body = fault ? null : await incoming.finish();
    if (!body) return this.#refused(fault ? fault.status : incoming.refusal!);
    const envelope = { sender, senderParams, recipients };
    const ruling = await this.#filters.finish({ envelope, fields: incoming.fields, body, quarantine: null });
    if (ruling.kind === 'refuse') return this.#refused(ruling.status);
    const accepted = status(250, '2.0.0', `Ok: queued as ${id}`);
    if (ruling.kind === 'discard') {
      this.#outcome = 'discarded';
      this.#by = ruling.by;
      incoming.discard();
      const { clock, notices } = this.#o;
      notices('message.discarded', discardedFacts(ruling.by, this.#origin, this.#chain, clock.elapsed()));
      return accepted;
    }
    this.#message = ruling.message;
    this.#by = ruling.message.quarantine?.by;
    this.#outcome = this.#passage ? 'passed' : ruling.message.quarantine ? 'held' : 'accepted';
    if (ruling.message.body !== body) incoming.discard();
    if (this.#passage) return this.#passed(this.#passage, ruling.message);
    return (await keep(this.#o, id, this.#origin, ruling.message, this.#chain)) ?? accepted;
  }

  /** The next hop decides. */
  async #passed(passage: Passage, message: EditableMessage): Promise<Status | readonly Status[]> {
    const reply = await passage.send(message, this.#origin);
    const all = 'code' in reply ? [reply] : reply;
    const { clock, notices } = this.#o;
    if (!all.some(isPositive)) this.#refused(all[0]!);
    else notices('message.passed', passedFacts(message, all, this.#origin, this.#chain, clock.elapsed()));
    return reply;
  }

  #refused(reply: Status): Status {
    const { clock, notices } = this.#o;
    notices('message.refused', refusedFacts(reply, this.#origin, this.#chain, clock.elapsed()));
    return reply;
  }
}
