/**
 * A seat: one filter's place in one SMTP connection.
 *
 * It owns the conversation: opened at the first configured stage that is reached, told everything it missed in order (replay),
 * kept over all messages of the connection, dropped after any error. Faults never leave a seat: they become rulings by the
 * filter's `onError` (house rule: one broken message never breaks the next).
 */
import { MilterError, type MilterConversation } from '#milter/client';
import type { Recipient, Status } from '#message';
import { wantsRefusedRecipients, type EventName, type Verdict } from '#milter/protocol';
import type { FilterAccess } from './access.ts';
import { EnableError, noteFailure } from './blame.ts';
import { refusedMacros } from './macros.ts';
import type { ChainObserver, FilterRecord } from './observer.ts';
import { GONE, PASS, meaningOf, replyForFailure, type Ruling } from './ruling.ts';
import { variableOf, type SessionFacts } from './session.ts';
import type { FilterSettings, StageName, StageSurroundings } from './settings.ts';
import { nothingTold, tellUpTo, type Heard, type Told } from './replay.ts';

/** Milliseconds a handed-over conversation has for its first answer. */
const REUSE_PATIENCE = 2000;

const NONE: readonly string[] = [];

/** A filter's part in the open transaction. `in`: may be asked; the others: not asked again before the next MAIL. */
type Part = 'in' | 'accepted' | 'off' | 'failed';

/** One filter in one SMTP connection. */
export class Seat {
  readonly settings: FilterSettings;
  readonly #access: FilterAccess;
  readonly #around: StageSurroundings;
  readonly #facts: SessionFacts;
  #conversation: MilterConversation | null = null;
  #told: Told = nothingTold();
  #part: Part = 'in';
  /** The filter accepted the whole connection: it is never asked again. */
  #finished = false;
  /** It failed before any transaction: it owes an answer, and MAIL waits for it. */
  #owes = false;
  /** It refused the connection, whenever it was heard of that: the answer to everything that follows (reference 7.1). */
  #refusal: Ruling | null = null;
  /** The ruling its failure, or its refusal of what was replayed, made for every further command of the transaction. */
  #failure: Ruling = PASS;
  /** Its last word about the open message, and the milliseconds it was waited for. */
  #said = '';
  #spent = 0;
  #counted = false;
  /** The edits it made to it, and why it failed. */
  #edits: readonly string[] = NONE;
  #error = '';
  readonly #observer: ChainObserver | null;

  constructor(
    access: FilterAccess,
    around: StageSurroundings,
    facts: SessionFacts,
    observer: ChainObserver | null,
  ) {
    this.#observer = observer;
    this.#access = access;
    this.settings = access.settings;
    this.#around = around;
    this.#facts = facts;
  }

  /** The conversation, for content. Only valid after `ask('data')` passed and while `asked` is true. */
  get conversation(): MilterConversation {
    return this.#conversation!;
  }

  /** The filter is in the transaction and was told of DATA: it is to be given the content. */
  get asked(): boolean {
    return this.#part === 'in' && this.#conversation !== null && this.#told.data;
  }

  /** `NAME VERDICT MILLISECONDS`, '' when it has said nothing about the open message. */
  get record(): string {
    return this.#said && `${this.settings.name} ${this.#said} ${Math.round(this.#spent)}ms`;
  }

  /** The same as values; null when it has said nothing. */
  get account(): FilterRecord | null {
    if (this.#said === '') return null;
    const { name } = this.settings;
    return { name, verdict: this.#said, ms: this.#spent, edits: this.#edits, error: this.#error };
  }

  /** It made these edits to the open message. */
  edited(edits: readonly string[]): void {
    this.#edits = edits;
  }

  /** MAIL: what it says from now on is about another message. */
  begin(): void {
    this.#said = this.#error = '';
    this.#spent = 0;
    this.#counted = false;
    this.#edits = NONE;
    const { meter } = this.#access;
    if (this.#finished) meter.notAsked('finished');
    else if (this.settings.enable.constant === false) meter.notAsked('disabled');
    else if (this.#access.paused) meter.notAsked('paused');
  }

  /** It was waited for since then (Clock.elapsed). */
  waited(since: number): void {
    const ms = this.#around.clock.elapsed() - since;
    this.#spent += ms;
    this.#facts.waited += ms;
  }

  /** It is waited for now, or no more. */
  waiting(change: 1 | -1): void {
    this.#access.meter.waiting(change);
  }

  /** Whether a stage has anything to ask here; cheap, so that a chain with nobody to ask stays synchronous. */
  concerns(stage: StageName): boolean {
    if (this.#finished || this.settings.enable.constant === false || this.#access.paused) return false;
    return this.settings.stages.has(stage) || (stage === 'mail' && (this.#owes || this.#refusal !== null));
  }

  /** Asks the filter at a stage. Never rejects. */
  async ask(stage: StageName): Promise<Ruling> {
    if (this.#refusal) return this.#refusal;
    if (this.#part === 'failed') return this.#failure;
    if (this.#part !== 'in') {
      this.#access.meter.notAsked(this.#part === 'accepted' ? 'finished' : 'disabled');
      return PASS;
    }
    const began = this.#around.clock.elapsed();
    let said = 'failed';
    this.waiting(1);
    try {
      if (!(await this.#enabled())) {
        said = 'off';
        this.#access.meter.notAsked('disabled');
        this.leave('off');
        return PASS;
      }
      const { event, verdict, missed } = await this.#tell(stage);
      said = verdict.kind;
      this.#owes = false;
      // A filter that is to be given content has shown what it can when it has answered that, or decided before.
      if (!this.settings.stages.has('data') || verdict.kind !== 'continue') this.#access.succeeded();
      return this.#sticks(event, missed, this.heard(event, verdict));
    } catch (error) {
      return this.fail(error, stage);
    } finally {
      this.waiting(-1);
      this.waited(began);
      const { watcher, clock } = this.#around;
      watcher?.answered(this.settings.name, stage, said, clock.elapsed() - began);
    }
  }

  /**
   * Tells a filter that wants to know of a recipient the MTA itself refused (RCPT_REJ, milter reference 7.8). No answer saves the
   * recipient; but the filter is done with the message when it accepts it, and may end the session.
   */
  async refusedRecipient(recipient: Recipient, refusal: Status): Promise<Ruling> {
    if (this.#part !== 'in' || !this.settings.stages.has('rcpt') || this.#told.mail === null) return PASS;
    const conversation = this.#conversation;
    if (!conversation?.alive || !wantsRefusedRecipients(conversation.agreement)) return PASS;
    try {
      const macros = refusedMacros(this.#facts, this.#around, refusal);
      const verdict = await conversation.rcpt(recipient.path.raw, recipient.params, macros);
      if (verdict.kind === 'continue') return PASS;
      const ruling = this.heard('rcpt', verdict);
      return ruling.kind === 'refuse' && ruling.status.code === 421 ? ruling : PASS;
    } catch (error) {
      this.fail(error, 'rcpt');
      return PASS;
    }
  }

  /** An unrecognised command, for a filter whose conversation is open. */
  async unknown(line: string): Promise<Ruling> {
    if (this.#part !== 'in' || !this.#conversation || this.#access.paused) return PASS;
    try {
      const verdict = await this.#conversation.unknown(line, () => undefined);
      return this.heard('unknown', verdict);
    } catch (error) {
      return this.fail(error, 'mail');
    }
  }

  /** The verdict on the content: see heard. */
  heardContent(verdict: Verdict): Ruling {
    this.#access.succeeded();
    this.#access.keptStep();
    return this.heard('end', verdict);
  }

  /** Takes a verdict: what it means for the client, and for this filter's further part. Throws when it is the filter's fault. */
  heard(event: EventName, verdict: Verdict): Ruling {
    const meaning = meaningOf(event, verdict, this.settings.name);
    this.#said = verdict.kind;
    if (verdict.kind !== 'continue')
      this.#around.notices('milter.verdict', {
        milter: this.settings.name,
        session: this.#facts.origin.session,
        id: this.#facts.transaction?.id,
        // Not `event`: in the log that is the notice's own name.
        answered: event,
        verdict: verdict.kind,
      });
    switch (meaning.kind) {
      case 'accept':
        this.#accepted(event);
        return PASS;
      case 'fault':
        throw new MilterError('unexpected_reply', `${this.settings.name} sent ${meaning.why}`, { event });
      case 'ruling':
        return meaning.ruling;
    }
  }

  /** Turns a fault into the ruling of the filter's `onError`; the conversation is dropped, the next transaction gets a new one. */
  fail(error: unknown, stage: StageName): Ruling {
    this.#drop();
    if (this.#facts.over) return GONE;
    const { name } = this.settings;
    const ours = !noteFailure(this.#around.notices, this.#facts, this.#access, stage, error);
    this.#said = 'failed';
    this.#error = error instanceof Error ? error.message : String(error);
    this.#observer?.failed(name, this.#error);
    // Whatever the filter's failures cost: for ours nothing may pass unfiltered, and the client comes again.
    const onError = ours ? 'tempfail' : this.settings.onError;
    const reply = replyForFailure(onError);
    const { transaction } = this.#facts;
    if (!transaction) {
      // Nothing is refused yet: MAIL asks again, with a new conversation, and that answer counts.
      this.#owes = true;
      return PASS;
    }
    if (onError === 'quarantine') transaction.hold ??= { reason: `filter ${name} failed`, by: name };
    this.#part = 'failed';
    this.#failure = reply ? { kind: 'refuse', status: reply } : PASS;
    return this.#failure;
  }

  /** The client greets: also one that greets again with the same words is told (milter reference 7.13). */
  greeted(): void {
    this.#told.helo = null;
  }

  /** The recipient that was on offer was accepted by everybody: it need not be told again. */
  recipientAccepted(): void {
    if (this.#told.candidate) this.#told.recipients++;
    this.#told.candidate = false;
  }

  /** The recipient on offer was refused by somebody. */
  recipientRefused(): void {
    this.#told.candidate = false;
  }

  /** The open message is no longer this filter's business: ABORT when it is in one. */
  leave(part: Part): void {
    if (this.#told.mail !== null) this.#abort();
    else if (part === 'off') return; // not in a message: it may be on again at the next stage
    this.#part = part;
  }

  /** The transaction is over: ABORT when the filter is still in the message, and what cannot be used again is dropped. */
  endTransaction(): void {
    // What it said stays, for whoever asks afterwards.
    if (this.#said !== '' && !this.#counted) this.#access.meter.message(this.#spent, this.#said);
    this.#counted = true;
    this.#abort();
    this.#part = 'in';
    this.#failure = PASS;
  }

  /**
   * A refusal heard in a replay answers the stage that is happening, and does not end there: of the connection it answers all that
   * follows, of the sender or of a recipient accepted earlier the rest of the transaction.
   */
  #sticks(event: EventName, missed: boolean, ruling: Ruling): Ruling {
    if (ruling.kind !== 'refuse') return ruling;
    if (event === 'connect' || event === 'helo') {
      this.#refusal = ruling;
      this.close();
    } else if (event === 'mail' || missed) {
      this.#abort();
      this.#part = 'failed';
      this.#failure = ruling;
    }
    return ruling;
  }

  /** Gives up what is being waited for; see `over` in session.ts. */
  interrupt(): void {
    this.#conversation?.destroy();
  }

  /** Not asked again on this SMTP connection. */
  finish(): void {
    this.#finished = true;
    this.close();
  }

  /** The SMTP connection is over. */
  close(): void {
    if (this.#conversation) this.#access.release(this.#conversation);
    this.#conversation = null;
  }

  async #enabled(): Promise<boolean> {
    const { enable } = this.settings;
    if (enable.constant !== null) return enable.constant;
    try {
      return await enable.holds((name) => variableOf(this.#facts, name));
    } catch (error) {
      throw new EnableError(error);
    }
  }

  /** Opens the conversation when there is none, and tells what is due. */
  async #tell(stage: StageName): Promise<Heard> {
    if (this.#conversation && !this.#conversation.alive) this.#drop();
    if (!this.#conversation) {
      const observer = this.#observer?.packets(this.settings.name) ?? null;
      const { conversation, reused } = await this.#access.open(observer);
      this.#conversation = conversation;
      if (this.#facts.over) throw new MilterError('disconnected', 'the client is gone');
      if (reused) {
        const heard = await this.#tryReused(conversation);
        if (heard && heard.verdict.kind !== 'continue') return heard;
        this.#conversation ??= (await this.#access.open(observer)).conversation;
      }
    }
    // A filter that only owes an answer from before the transaction is told no more than it missed.
    const upTo = this.settings.stages.has(stage) ? stage : 'ehlo';
    return tellUpTo(upTo, this.#conversation, this.#told, this.#facts, this.#around);
  }

  /** CONNECT on a conversation that another client had: it must be answered soon, else a new one is opened. */
  async #tryReused(conversation: MilterConversation): Promise<Heard | null> {
    const { clock } = this.#around;
    const patience = Math.min(REUSE_PATIENCE, this.settings.client.timeoutCommand);
    const cancel = clock.after(patience, () => conversation.destroy());
    try {
      const heard = await tellUpTo('connect', conversation, this.#told, this.#facts, this.#around);
      this.#access.reuseWorked();
      return heard;
    } catch (error) {
      // Cut off because the client is gone: that says nothing of the filter.
      if (!(error instanceof MilterError) || this.#facts.over) throw error;
      this.#access.reuseFailed(error);
      this.#drop();
      return null;
    } finally {
      cancel();
    }
  }

  #accepted(event: EventName): void {
    if (event === 'connect' || event === 'helo') this.finish();
    // To a command that nobody knows it is about the message that is open, if one is.
    else if (event === 'unknown' ? this.#told.mail !== null : event !== 'end') this.#part = 'accepted';
  }

  #abort(): void {
    this.#conversation?.abort();
    if (this.#conversation && !(this.#conversation.reusable && this.#conversation.alive)) this.#drop();
    this.#told.forgetMessage();
  }

  #drop(): void {
    this.#conversation?.destroy();
    this.#conversation = null;
    this.#told = nothingTold();
  }
}
