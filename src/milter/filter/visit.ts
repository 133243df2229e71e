/**
 * One SMTP connection as a filter lives it: which handler is asked at which event, and what its decision means from then on.
 *
 * `answer` never throws and never rejects: faults of handlers become `onError`. Events out of order are answered and have no
 * effect. After a decision about the message or the connection no handler is asked about it again; the same answer is repeated
 * to an MTA that goes on all the same (milter reference 18).
 */
import {
  sendsEvent,
  type Agreement,
  type MacroStage,
  type MilterEvent,
  type Verdict,
} from '#milter/protocol';
import { verdictOf, type Answer, type Decision } from './decisions.ts';
import type { Filter, MilterDefinition } from './definition.ts';
import { FilterError } from './errors.ts';
import type { Log } from './log.ts';
import { pathOf } from './path.ts';
import type { Plan, Planned } from './plan.ts';
import { faultDecision, inTime, runHandler, runObserver, type Surroundings } from './run.ts';
import { SessionState } from './session.ts';
import { GO_ON, Transaction, reachOf, type Outcome } from './transaction.ts';

type Maybe<T> = T | Promise<T>;

/** The events that are answered. */
export type Asked = Exclude<MilterEvent, { kind: 'optneg' | 'macro' | 'abort' | 'quit' | 'quitNc' }>;

const OUT_OF_ORDER: Outcome = Object.freeze({ verdict: GO_ON, edits: [] });

/** See the head of the file. */
export class Visit implements Surroundings {
  readonly filter: Filter;
  readonly agreement: Agreement;
  readonly log: Log;
  readonly session: SessionState;
  cancelled = false;
  readonly #definition: MilterDefinition<unknown>;
  readonly #plan: Plan;
  #settled: Decision | null = null;
  /** A quarantine decided before there was a message: holds all of this connection. */
  #quarantine: string | null = null;
  #tx: Transaction | null = null;

  constructor(filter: Filter, plan: Plan, agreement: Agreement, log: Log) {
    this.filter = filter;
    this.agreement = agreement;
    this.log = log;
    this.#definition = filter.definition;
    this.#plan = plan;
    this.session = new SessionState(agreement);
    try {
      this.session.state = filter.definition.init?.();
    } catch (error) {
      this.#settled = faultDecision(this, 'init', error);
    }
  }

  spoil(): void {}

  /** The MTA no longer wants what is being worked on. Its ABORT or QUIT follows in its turn. */
  callOff(): void {
    if (this.#tx) this.#tx.calledOff = true;
    this.session.cut(new FilterError('body_gone', 'the MTA called the message off'));
  }

  /**
   * A MACRO frame for a stage. Those of a new message begin afresh, without an ABORT too. An empty set takes nothing from other
   * stages, and one for MAIL within a message means nothing: MTAs send it just to be heard.
   */
  macros(stage: MacroStage, pairs: readonly (readonly [string, string])[]): void {
    if (stage === 'mail') {
      if (pairs.length > 0) {
        this.abort();
        this.session.forgetMessage();
      } else if (this.#tx !== null) return;
    }
    this.session.setMacros(stage, pairs);
  }

  /** The answer to an event; sent or not, as agreed. */
  answer(event: Asked): Maybe<Outcome> {
    if (event.kind === 'end') return this.#end(event.data);
    const verdict = this.#step(event);
    return verdict instanceof Promise
      ? verdict.then((v) => ({ verdict: v, edits: [] }))
      : { verdict, edits: [] };
  }

  /** The answer could not be written: what `onError` says instead. */
  fault(error: unknown): Verdict {
    return verdictOf(faultDecision(this, 'answer', error));
  }

  /** ABORT: the message came to nothing. Without a message nothing happens. */
  abort(): void {
    const tx = this.#tx;
    if (tx === null) return;
    this.#tx = null;
    const reason = new FilterError('body_gone', 'the message was aborted');
    if (tx.abort(reason)) this.#tell('onAbort');
    this.session.cut(reason);
    this.session.forgetMessage();
  }

  /** The SMTP connection is over. */
  close(): void {
    if (this.cancelled) return;
    this.abort();
    this.cancelled = true;
    this.session.cut(new FilterError('body_gone', 'the connection is closed'), true);
    this.#tell('onClose');
  }

  #step(event: Exclude<Asked, { kind: 'end' }>): Maybe<Verdict> {
    const { session: s } = this;
    const d = this.#definition;
    const o = d.observe ?? {};
    switch (event.kind) {
      case 'connect':
        s.connected(event);
        return this.#ask(
          'connect',
          'onConnect',
          () => d.onConnect?.(s),
          () => o.onConnect?.(s),
        );
      case 'helo':
        this.abort();
        s.greeted(event.name);
        return this.#ask(
          'helo',
          'onHelo',
          () => d.onHelo?.(s, s.helo),
          () => o.onHelo?.(s, s.helo),
        );
      case 'unknown':
        return this.#ask(
          'unknown',
          'onUnknown',
          () => d.onUnknown?.(s, event.line),
          () => o.onUnknown?.(s, event.line),
        );
      case 'mail': {
        this.abort();
        const tx = this.#open();
        const from = (tx.envelope.sender = pathOf(event.path, event.params));
        return this.#ask(
          'mail',
          'onMail',
          () => d.onMail?.(s, from),
          () => o.onMail?.(s, from),
        );
      }
      default: {
        const tx = this.#message();
        return tx === null ? GO_ON : this.#inMessage(tx, event);
      }
    }
  }

  #inMessage(tx: Transaction, event: Asked): Maybe<Verdict> {
    const { session: s } = this;
    const d = this.#definition;
    const o = d.observe ?? {};
    const { envelope: env } = tx;
    switch (event.kind) {
      case 'rcpt':
        return this.#rcpt(tx, pathOf(event.path, event.params));
      case 'data':
        return this.#ask(
          'data',
          'onData',
          () => d.onData?.(s, env),
          () => o.onData?.(s, env),
        );
      case 'eoh': {
        const { headers: h } = tx.edits;
        return this.#ask(
          'eoh',
          'onHeaders',
          () => d.onHeaders?.(s, env, h),
          () => o.onHeaders?.(s, env, h),
        );
      }
      case 'header':
        return this.#settled ? verdictOf(this.#settled) : tx.header(event.name, event.value);
      case 'body':
        return this.#settled ? verdictOf(this.#settled) : tx.body(event.data);
      default:
        return GO_ON;
    }
  }

  #rcpt(tx: Transaction, to: ReturnType<typeof pathOf>): Maybe<Verdict> {
    const { session: s } = this;
    const d = this.#definition;
    const { envelope: env } = tx;
    const kept = (verdict: Verdict): Verdict => {
      if (verdict.kind === 'continue') tx.recipient(to);
      return verdict;
    };
    const decide = () => d.onRcpt?.(s, to, env);
    const verdict = this.#ask('rcpt', 'onRcpt', decide, () => d.observe?.onRcpt?.(s, to, env));
    return verdict instanceof Promise ? verdict.then(kept) : kept(verdict);
  }

  #end(data: Uint8Array): Maybe<Outcome> {
    const tx = this.#message();
    if (tx === null) return OUT_OF_ORDER;
    if (this.#settled) tx.settle(this.#settled);
    tx.edits.quarantine ??= this.#quarantine;
    const outcome = tx.end(data);
    return outcome instanceof Promise ? outcome.then((o) => this.#over(tx, o)) : this.#over(tx, outcome);
  }

  #over(tx: Transaction, outcome: Outcome): Outcome {
    if (this.#tx === tx) {
      this.#tx = null;
      this.session.forgetMessage();
    }
    return outcome;
  }

  /** Asks the handler of an event, or tells its observer, and keeps what was decided. */
  #ask(
    event: Planned,
    handler: string,
    decide: () => Maybe<Answer>,
    observe: () => Maybe<void>,
  ): Maybe<Verdict> {
    const tx = event === 'unknown' ? null : this.#tx;
    const at: Surroundings = tx ?? this;
    const role = this.#plan[event];
    const asks = role === 'decide' && !this.#settled && !tx?.decided;
    if (!asks && role !== 'observe') return this.#told(tx);
    const decision = asks
      ? inTime(at, handler, runHandler(at, event, handler, decide))
      : runObserver(at, handler, observe);
    return decision instanceof Promise
      ? decision.then((d) => this.#keep(event, tx, d))
      : this.#keep(event, tx, decision);
  }

  #keep(event: Planned, tx: Transaction | null, decision: Decision): Verdict {
    if (decision.kind === 'continue') return this.#told(tx);
    if (decision.kind === 'quarantine') {
      if (tx) tx.edits.quarantine ??= decision.reason;
      else if (event !== 'unknown') this.#quarantine ??= decision.reason;
      return GO_ON;
    }
    switch (reachOf(this.agreement, event, decision)) {
      case 'connection':
        this.#settled = decision;
        return verdictOf(decision);
      case 'message': {
        // An unknown command may have come within a message.
        const about = tx ?? this.#tx;
        about?.settle(decision);
        return about?.told ?? verdictOf(decision);
      }
      case 'nothing':
        return verdictOf(decision);
    }
  }

  #told(tx: Transaction | null): Verdict {
    return this.#settled ? verdictOf(this.#settled) : (tx?.told ?? GO_ON);
  }

  #open(): Transaction {
    return (this.#tx = new Transaction(this, this.#plan));
  }

  /** The message an event belongs to. Without MAIL there is none, unless MAIL was negotiated away. */
  #message(): Transaction | null {
    return this.#tx ?? (sendsEvent(this.agreement, 'mail') ? null : this.#open());
  }

  #tell(handler: 'onAbort' | 'onClose'): void {
    try {
      this.#definition[handler]?.(this.session);
    } catch (error) {
      const says = error instanceof Error ? error.message : String(error);
      this.log({ level: 'error', event: 'handler.failed', filter: this.filter.name, handler, says, error });
    }
  }
}
