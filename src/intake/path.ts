/**
 * SOCKET TO SPOOL: what happens to a message, from the client's first word to the 250 that makes it ours.
 *
 * One per SMTP connection, called by the SMTP server in the order of the commands. Read it from top to bottom; each line is a
 * call into one folder. Refusals are values; only a bug of ours throws, and the server answers that with 421.
 */
import { isPositive, status, type Origin, type Path, type Status } from '#message';
import type { ContentFault, ContentSink, ResetReason, SmtpHandler } from '#smtp/server';
import { Chain, settled, type Awaitable, type MessageContent, type Ruling } from '#stages';
import { swallow } from './discard.ts';
import { IncomingContent } from './incoming.ts';
import { keep } from './keep.ts';
import type { IntakeOptions } from './options.ts';
import { receivedField } from './trace.ts';

const SENDER_OK = status(250, '2.1.0', 'Ok');
const RECIPIENT_OK = status(250, '2.1.5', 'Ok');
const NO_SPACE = status(452, '4.3.1', 'Insufficient system storage');

/** One client's way in. */
export class IntakePath implements SmtpHandler {
  readonly #o: IntakeOptions;
  #origin!: Origin;
  /** May send to anyone; asked when the first recipient comes, and again after AUTH. */
  #trusted: boolean | null = null;
  #chain!: Chain;
  /** A filter refused the connection for now or for good: the answer to every MAIL. */
  #refused: Status | null = null;
  /** The filter that ordered the open message thrown away; the client sees success. */
  #discardedBy = '';

  constructor(options: IntakeOptions) {
    this.#o = options;
  }

  connect(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    this.#chain = new Chain(this.#o.around, origin);
    return settled(this.#chain.connect(), (ruling) => {
      if (ruling.kind !== 'refuse') return null;
      this.#refused = ruling.status;
      // A temporary refusal waits for MAIL, so that a client that only wants to look is not turned away.
      return ruling.status.code === 421 || ruling.status.code >= 500 ? ruling.status : null;
    });
  }

  helo(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    return settled(this.#chain.helo(origin), (ruling) => {
      if (ruling.kind === 'refuse') this.#refused = ruling.status;
      return ruling.kind === 'refuse' ? ruling.status : null;
    });
  }

  auth(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    this.#trusted = null;
    return settled(this.#chain.auth(origin), (ruling) => (ruling.kind === 'refuse' ? ruling.status : null));
  }

  mail(sender: Path, params: readonly string[]): Awaitable<Status> {
    if (this.#refused) return this.#refused;
    if (this.#o.spool.freeBytes() <= 0) return NO_SPACE;
    this.#discardedBy = '';
    return settled(this.#chain.mail(this.#o.newId(), sender, params), (r) => this.#reply(r, SENDER_OK));
  }

  rcpt(path: Path, params: readonly string[]): Awaitable<Status> {
    this.#trusted ??= this.#o.relay.trusts(this.#origin);
    const refusal = this.#o.relay.refusal(this.#trusted, path);
    if (refusal) return settled(this.#chain.refusedRecipient({ path, params }, refusal), () => refusal);
    if (this.#discardedBy) return RECIPIENT_OK;
    return settled(this.#chain.rcpt({ path, params }), (r) => this.#reply(r, RECIPIENT_OK));
  }

  data(): Awaitable<Status | ContentSink> {
    if (this.#discardedBy) return swallow(this.#o.notices, this.#origin.session, this.#discardedBy);
    return settled(this.#chain.data(), (ruling) => {
      if (ruling.kind === 'refuse') return ruling.status;
      this.#reply(ruling, SENDER_OK);
      return this.#discardedBy
        ? swallow(this.#o.notices, this.#origin.session, this.#discardedBy)
        : this.#receive();
    });
  }

  async unknown(line: string): Promise<Status | null> {
    const ruling = await this.#chain.unknown(line);
    return ruling.kind === 'refuse' ? ruling.status : null;
  }

  reset(_reason: ResetReason): void {
    this.#discardedBy = '';
    this.#chain.endTransaction();
  }

  close(): void {
    this.#chain.close();
  }

  /** The content of a message that filters and spool are to have. */
  #receive(): ContentSink {
    const { clock, hostname, limits, spool } = this.#o;
    const { id, recipients } = this.#chain.transaction!;
    const trace = receivedField(this.#origin, hostname, id, recipients, clock.now());
    const filters = this.#chain.content();
    const incoming = new IncomingContent(trace, spool.draft(), filters, limits);
    return {
      write: (chunk) => incoming.write(chunk),
      end: async (fault) => {
        const reply = await this.#decide(incoming, filters, fault);
        if (!isPositive(reply)) incoming.discard();
        this.#chain.endTransaction();
        return reply;
      },
    };
  }

  /** The final dot has come: filters, edits, disk, reply. */
  async #decide(
    incoming: IncomingContent,
    filters: MessageContent,
    fault: ContentFault | null,
  ): Promise<Status> {
    const body = fault ? null : await incoming.finish();
    if (!body) return fault ? fault.status : incoming.refusal!;
    const { id, sender, senderParams, recipients } = this.#chain.transaction!;
    const envelope = { sender, senderParams, recipients };
    const ruling = await filters.finish({ envelope, fields: incoming.fields, body, quarantine: null });
    if (ruling.kind === 'refuse') return ruling.status;
    const accepted = status(250, '2.0.0', `Ok: queued as ${id}`);
    const kept =
      ruling.kind === 'pass' && ruling.message.envelope.recipients.length > 0 ? ruling.message : null;
    if (kept?.body !== body) incoming.discard();
    if (kept) return (await keep(this.#o, id, this.#origin, kept)) ?? accepted;
    const by = ruling.kind === 'discard' ? ruling.by : 'a filter that removed every recipient';
    this.#o.notices('message.discarded', { id, session: this.#origin.session, by, from: sender.address });
    return accepted;
  }

  #reply(ruling: Ruling, ok: Status): Status {
    if (ruling.kind === 'refuse') return ruling.status;
    if (ruling.kind === 'discard') {
      this.#discardedBy = ruling.by;
      this.#chain.endTransaction();
    }
    return ok;
  }
}
