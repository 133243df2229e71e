/**
 * SOCKET TO SPOOL: what happens to a message, from the client's first word to the 250 that makes it ours.
 *
 * One per SMTP connection, called by the SMTP server in the order of the commands. Read it from top to bottom; each line is a
 * call into one folder. Refusals are values; only a bug of ours throws, and the server answers that with 421.
 */
import { status, type Origin, type Path, type Status } from '#message';
import type { ContentSink, ResetReason, SmtpHandler } from '#smtp/server';
import { Chain, settled, type Awaitable, type Ruling } from '#stages';
import { swallow } from './discard.ts';
import type { IntakeOptions } from './options.ts';
import { Reception } from './reception.ts';

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
  #reception: Reception | null = null;
  /** A filter refused the connection for now or for good: the answer to every MAIL. */
  #refused: Status | null = null;
  /** Queue id of the open message. */
  #id = '';
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
    return settled(this.#chain.mail((this.#id = this.#o.newId()), sender, params), (r) =>
      this.#reply(r, SENDER_OK),
    );
  }

  rcpt(path: Path, params: readonly string[]): Awaitable<Status> {
    this.#trusted ??= this.#o.relay.trusts(this.#origin);
    const refusal = this.#o.relay.refusal(this.#trusted, path);
    if (refusal) return settled(this.#chain.refusedRecipient({ path, params }, refusal), () => refusal);
    if (this.#discardedBy) return RECIPIENT_OK;
    return settled(this.#chain.rcpt({ path, params }), (r) => this.#reply(r, RECIPIENT_OK));
  }

  data(): Awaitable<Status | ContentSink> {
    if (this.#discardedBy) return this.#swallow();
    return settled(this.#chain.data(), (ruling) => {
      if (ruling.kind === 'refuse') return ruling.status;
      this.#reply(ruling, SENDER_OK);
      return this.#discardedBy
        ? this.#swallow()
        : (this.#reception = new Reception(this.#o, this.#chain, this.#origin));
    });
  }

  async unknown(line: string): Promise<Status | null> {
    const ruling = await this.#chain.unknown(line);
    return ruling.kind === 'refuse' ? ruling.status : null;
  }

  reset(_reason: ResetReason): void {
    this.#discardedBy = '';
    this.#abandon();
    this.#chain.endTransaction();
  }

  /** The client is gone while filters are being asked: nobody waits for their answer. */
  interrupted(): void {
    this.#chain.interrupt();
  }

  close(): void {
    this.#abandon();
    this.#chain.close();
  }

  #abandon(): void {
    this.#reception?.abandon();
    this.#reception = null;
  }

  #swallow(): ContentSink {
    return swallow(this.#o.notices, this.#origin.session, this.#id, this.#discardedBy);
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
