/**
 * The chain: the filters of one SMTP connection, in configured order.
 *
 * Each stage asks them one after another; the first ruling that does not pass decides, and those asked before it are told that
 * the message is over. Called by intake, once per SMTP event, in order. Faults of filters are rulings by their policy; nothing
 * here rejects. With no filter concerned every method answers synchronously.
 */
import type { Origin, Path, Recipient, Status } from '#message';
import { settled, type Awaitable } from './awaitable.ts';
import { MessageContent } from './content.ts';
import type { ChainObserver, FilterRecord } from './observer.ts';
import { PASS, type Ruling } from './ruling.ts';
import { Seat } from './seat.ts';
import type { SessionFacts, Transaction } from './session.ts';
import type { StageName, StageSurroundings } from './settings.ts';

const NOBODY: readonly FilterRecord[] = [];

/** Somebody to be asked after the filters. Never rejects. */
type Last = () => Awaitable<Ruling>;

/** The filters of one SMTP connection. */
export class Chain {
  readonly #around: StageSurroundings;
  readonly #facts: SessionFacts;
  readonly #seats: readonly Seat[];
  readonly #observer: ChainObserver | null;

  /** `observer`: who listens in, if anybody does. */
  constructor(around: StageSurroundings, origin: Origin, observer: ChainObserver | null = null) {
    this.#observer = observer;
    this.#around = around;
    this.#facts = { origin, transaction: null, candidate: null, messageId: '', waited: 0, over: false };
    this.#seats = around.filters.map((filter) => new Seat(filter, around, this.#facts, observer));
  }

  /** The open transaction, or null. */
  get transaction(): Transaction | null {
    return this.#facts.transaction;
  }

  /** What each filter that was asked about the open message said last, and how long was waited for it: `rspamd accept 12ms`. */
  get record(): readonly string[] {
    const said: string[] = [];
    for (const { record } of this.#seats) if (record !== '') said.push(record);
    return said;
  }

  /** The same as values. */
  get accounts(): readonly FilterRecord[] {
    if (this.#seats.length === 0) return NOBODY;
    const accounts: FilterRecord[] = [];
    for (const { account } of this.#seats) if (account) accounts.push(account);
    return accounts;
  }

  /** A client connected. */
  connect(): Awaitable<Ruling> {
    return settled(this.#ask('connect'), (ruling) => this.#ofConnection(ruling));
  }

  /** HELO, EHLO or LHLO; `origin` carries the name. Any transaction was reset before. */
  helo(origin: Origin): Awaitable<Ruling> {
    this.#facts.origin = origin;
    for (const seat of this.#seats) seat.greeted();
    return settled(this.#ask('ehlo'), (ruling) => this.#ofConnection(ruling));
  }

  /** The client authenticated. */
  auth(origin: Origin): Awaitable<Ruling> {
    const before = this.#facts.origin;
    this.#facts.origin = origin;
    return settled(this.#ask('auth'), (ruling) => {
      // Whom a filter refuses is nobody afterwards.
      if (ruling.kind === 'refuse') this.#facts.origin = before;
      return ruling;
    });
  }

  /**
   * MAIL: opens the transaction; a ruling other than pass closes it again. `id` is the queue id. `last`, here and at `rcpt`, is
   * asked when every filter has let it pass: its ruling counts like that of one more filter.
   */
  mail(id: string, sender: Path, senderParams: readonly string[], last?: Last): Awaitable<Ruling> {
    const began = this.#around.clock.elapsed();
    this.#facts.transaction = { id, sender, senderParams, began, recipients: [], hold: null };
    for (const seat of this.#seats) seat.begin();
    return settled(this.#askThen('mail', last), (ruling) => {
      if (ruling.kind !== 'pass') this.endTransaction();
      return ruling;
    });
  }

  /** RCPT: a refusal concerns this recipient only, anything else the transaction. */
  rcpt(recipient: Recipient, last?: Last): Awaitable<Ruling> {
    const facts = this.#facts;
    facts.candidate = recipient;
    return settled(this.#askThen('rcpt', last), (ruling) => {
      facts.candidate = null;
      const accepted = ruling.kind === 'pass';
      if (accepted) facts.transaction?.recipients.push(recipient);
      for (const seat of this.#seats) {
        if (accepted) seat.recipientAccepted();
        else seat.recipientRefused();
      }
      return ruling;
    });
  }

  /** A recipient refused before any filter was asked: told to those that want to know. A filter may end the session all the same. */
  refusedRecipient(recipient: Recipient, refusal: Status): Awaitable<Ruling> {
    if (!this.#facts.transaction || this.#seats.length === 0) return PASS;
    return Promise.all(this.#seats.map((seat) => seat.refusedRecipient(recipient, refusal))).then(
      (rulings) => rulings.find((ruling) => ruling.kind !== 'pass') ?? PASS,
    );
  }

  /** DATA, before 354. A ruling other than pass ends the transaction. */
  data(): Awaitable<Ruling> {
    return settled(this.#ask('data'), (ruling) => {
      if (ruling.kind !== 'pass') this.endTransaction();
      return ruling;
    });
  }

  /** The content of the message, after `data` passed. */
  content(): MessageContent {
    const asked = this.#seats.filter((seat) => seat.asked);
    return new MessageContent(asked, this.#facts, this.#around, this.#observer);
  }

  /** An unrecognised command; pass = the server's own refusal. */
  async unknown(line: string): Promise<Ruling> {
    for (const seat of this.#seats) {
      const ruling = await seat.unknown(line);
      if (ruling.kind === 'refuse') return ruling;
    }
    return PASS;
  }

  /** The transaction ended without a verdict on its content: filters that are in it hear ABORT. */
  endTransaction(): void {
    if (!this.#facts.transaction) return;
    for (const seat of this.#seats) seat.endTransaction();
    this.#facts.transaction = null;
    this.#facts.messageId = '';
  }

  /** The client is gone while filters are asked: what is being waited for is given up; the answer is a refusal nobody hears. */
  interrupt(): void {
    this.#facts.over = true;
    for (const seat of this.#seats) seat.interrupt();
  }

  /** The SMTP connection is over. */
  close(): void {
    this.#facts.over = true;
    this.endTransaction();
    for (const seat of this.#seats) seat.close();
  }

  /** A refused connection is over for every filter; intake answers what still comes (milter reference 7.1, REFUSED_ALL). */
  #ofConnection(ruling: Ruling): Ruling {
    if (ruling.kind === 'refuse') for (const seat of this.#seats) seat.finish();
    return ruling;
  }

  #askThen(stage: StageName, last: Last | undefined): Awaitable<Ruling> {
    const ruling = this.#ask(stage);
    return last ? settled(ruling, (r) => (r.kind === 'pass' ? last() : r)) : ruling;
  }

  #ask(stage: StageName): Awaitable<Ruling> {
    for (const seat of this.#seats) if (seat.concerns(stage)) return this.#askInTurn(stage);
    return PASS;
  }

  /**
   * One after another; neighbours with `parallel` together. The first in configured order that does not pass decides, so the
   * result is the same whoever is faster.
   */
  async #askInTurn(stage: StageName): Promise<Ruling> {
    const { meter, clock } = this.#around;
    const began = meter ? clock.elapsed() : 0;
    const before = this.#facts.waited;
    const concerned = this.#seats.filter((seat) => seat.concerns(stage));
    let ruling = PASS;
    for (let at = 0; at < concerned.length && ruling.kind === 'pass';) {
      const first = concerned[at]!;
      let end = at + 1;
      if (first.settings.parallel) while (concerned[end]?.settings.parallel) end++;
      ruling = await (end === at + 1 ? first.ask(stage) : askTogether(concerned.slice(at, end), stage));
      if (ruling.kind !== 'pass') this.#observer?.ruled(stage, ruling);
      at = end;
    }
    meter?.stage(stage, clock.elapsed() - began, this.#facts.waited - before);
    return ruling;
  }
}

async function askTogether(seats: readonly Seat[], stage: StageName): Promise<Ruling> {
  const rulings = await Promise.all(seats.map((seat) => seat.ask(stage)));
  return rulings.find(({ kind }) => kind !== 'pass') ?? PASS;
}
