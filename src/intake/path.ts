/**
 * SOCKET TO SPOOL: what happens to a message, from the client's first word to the 250 that makes it ours.
 *
 * One per SMTP connection, called by the SMTP server in the order of the commands. Read it from top to bottom; each line is a
 * call into one folder. Refusals are values; only a bug of ours throws, and the server answers that with 421.
 */
import type { Forwarded, Origin, Path, Recipient, Status } from '#message';
import type { ContentSink, ResetReason, SmtpHandler } from '#smtp/server';
import { Chain, settled, type Awaitable, type ChainObserver, type Ruling, type Transaction } from '#stages';
import { Discarded, RECIPIENT_OK } from './discard.ts';
import { grant } from './mail-parameters.ts';
import type { IntakeOptions } from './options.ts';
import { Reception } from './reception.ts';
import { mailRefusal, refuseRecipient } from './refusal.ts';
import { Passage } from './through.ts';

/** One client's way in. */
export class IntakePath implements SmtpHandler {
  readonly #o: IntakeOptions;
  #origin!: Origin;
  /** May send to anyone; asked when the first recipient comes, and again after AUTH. */
  #trusted: boolean | null = null;
  chain!: Chain;
  observer: ChainObserver | null = null;
  #reception: Reception | null = null;
  /** Mail goes straight on to a next hop. */
  #passage: Passage | null = null;
  /** A filter refused the connection for now or for good: the answer to every MAIL. */
  #refused: Status | null = null;
  /** Queue id of the open message; the message, and what it is when a filter ordered it thrown away. */
  id = '';
  #transaction: Transaction | null = null;
  discarded: Discarded | null = null;

  constructor(options: IntakeOptions) {
    this.#o = options;
  }

  connect(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    this.chain = new Chain(this.#o.around, origin, this.observer);
    if (this.#o.through) this.#passage = new Passage(this.#o.through, this.chain);
    return settled(this.chain.connect(), (ruling) => {
      if (ruling.kind !== 'refuse') return null;
      this.#refused = ruling.status;
      // A temporary refusal waits for MAIL, so that a client that only wants to look is not turned away.
      return ruling.status.code === 421 || ruling.status.code >= 500 ? ruling.status : null;
    });
  }

  helo(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    this.#trusted = null;
    return settled(this.chain.helo(origin), (ruling) =>
      ruling.kind === 'refuse' ? (this.#refused = ruling.status) : null,
    );
  }

  auth(origin: Origin): Awaitable<Status | null> {
    return settled(this.chain.auth(origin), (ruling) => {
      if (ruling.kind === 'refuse') return ruling.status;
      this.#origin = origin;
      this.#trusted = null;
      return null;
    });
  }

  mail(sender: Path, params: readonly string[]): Awaitable<Status> {
    const no = this.#refused ?? mailRefusal(this.#o, this.#origin, sender, params);
    if (no) return no;
    this.discarded = null;
    const granted = grant(params, () => (this.#trusted ??= this.#o.relay.trusts(this.#origin)));
    const hop = this.#passage?.mail(this.#origin);
    const ruling = this.chain.mail((this.id = this.#o.newId()), sender, granted.params, hop);
    this.#transaction = this.chain.transaction;
    return settled(ruling, (r) => this.#reply(r, granted.reply));
  }

  rcpt(path: Path, params: readonly string[]): Awaitable<Status> {
    this.#trusted ??= this.#o.relay.trusts(this.#origin);
    const { relay, recipientCheck } = this.#o;
    const refusal = relay.refusal(this.#trusted, path) ?? recipientCheck?.(path) ?? null;
    const to = { path, params };
    return settled(refusal, (no) =>
      no ? refuseRecipient(this.#o, to, no, this.#origin, this.chain) : this.#take(to),
    );
  }

  data(): Awaitable<Status | ContentSink> {
    if (this.discarded) return this.discarded.content(this.#o, this.#origin, this.chain);
    return settled(this.chain.data(), (ruling) => {
      if (ruling.kind !== 'pass') this.#passage?.end();
      if (ruling.kind === 'refuse') return ruling.status;
      this.#reply(ruling, RECIPIENT_OK);
      if (this.discarded) return this.discarded.content(this.#o, this.#origin, this.chain);
      return (this.#reception = new Reception(this.#o, this.chain, this.#origin, this.#passage));
    });
  }

  unknown(line: string): Awaitable<Status | null> {
    return settled(this.chain.unknown(line), (ruling) => (ruling.kind === 'refuse' ? ruling.status : null));
  }

  reset(_reason: ResetReason): void {
    this.discarded = null;
    this.#abandon();
    this.chain.endTransaction();
  }

  forwarded(forwarded: Forwarded | null): void {
    this.#origin = { ...this.#origin, forwarded: forwarded ?? undefined };
  }

  /** The client is gone while filters are being asked: nobody waits for their answer. */
  interrupted(): void {
    this.chain.interrupt();
    this.#passage?.interrupt();
  }

  close(): void {
    this.#abandon();
    this.chain.close();
  }

  #abandon(): void {
    this.#passage?.end();
    this.#reception?.abandon();
    this.#reception = null;
  }

  #take(recipient: Recipient): Awaitable<Status> {
    if (this.discarded) return this.discarded.rcpt(recipient);
    const hop = this.#passage?.rcpt(recipient);
    return settled(this.chain.rcpt(recipient, hop), (r) => {
      const reply = this.#reply(r, RECIPIENT_OK);
      return this.discarded?.rcpt(recipient) ?? reply;
    });
  }

  #reply(ruling: Ruling, ok: Status): Status {
    if (ruling.kind === 'refuse') return ruling.status;
    if (ruling.kind === 'pass') return this.#passage?.said ?? ok;
    this.discarded = new Discarded(ruling.by, this.#transaction!);
    this.#passage?.end();
    this.chain.endTransaction();
    return ok;
  }
}
