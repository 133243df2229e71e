/**
 * One message on its way through a filter: envelope, header, body, edits, and what was decided about it so far.
 *
 * Lives from MAIL (or the first event of a message when MAIL was negotiated away) to the end-of-message answer or ABORT.
 * Never throws and never rejects: what goes wrong becomes `onError`, and then none of the edits is sent.
 */
import { meaningOf, type Agreement, type Edit, type EventName, type Verdict } from '#milter/protocol';
import { BufferedBody, StreamedBody, type IncomingBody } from './body.ts';
import { CONTINUE, verdictOf, type Decision } from './decisions.ts';
import type { Filter } from './definition.ts';
import { FilterError } from './errors.ts';
import type { Log } from './log.ts';
import { MessageEdits, messageOf } from './message.ts';
import { pathOf, type Path } from './path.ts';
import type { Plan } from './plan.ts';
import { RepeatedHeader } from './repeated.ts';
import { faultDecision, inTime, runHandler, type Surroundings } from './run.ts';
import { EnvelopeState, type SessionState } from './session.ts';

type Maybe<T> = T | Promise<T>;

export const GO_ON: Verdict = Object.freeze({ kind: 'continue' });
const SKIP: Verdict = Object.freeze({ kind: 'skip' });
const NOBODY = pathOf('<>', []);
/** Handlers that are given nothing they could edit. */
const BLIND: ReadonlySet<string> = new Set(['onMail', 'onRcpt', 'onData']);

/** What answers an event. Edits only at end of message. */
export interface Outcome {
  readonly verdict: Verdict;
  readonly edits: readonly Edit[];
}

/** See the head of the file. */
export class Transaction implements Surroundings {
  readonly filter: Filter;
  readonly agreement: Agreement;
  readonly session: SessionState;
  readonly log: Log;
  readonly envelope: EnvelopeState;
  readonly edits: MessageEdits;
  /** The MTA sent ABORT or QUIT while a handler was at work. */
  calledOff = false;
  #over = false;
  readonly #plan: Plan;
  readonly #body: IncomingBody;
  readonly #streams: boolean;
  #settled: Decision | null = null;
  /** An accept whose edits can only be sent at end of message is told then. */
  #heldBack = false;
  /** onMessage of a streaming filter while it runs; never rejects. */
  #running: Promise<Decision> | null = null;
  #repeated: RepeatedHeader | null = null;

  constructor({ filter, agreement, session, log }: Surroundings, plan: Plan) {
    this.filter = filter;
    this.agreement = agreement;
    this.session = session;
    this.log = log;
    this.#plan = plan;
    this.envelope = new EnvelopeState(session, NOBODY);
    this.edits = new MessageEdits(agreement);
    this.#streams = filter.definition.body === 'stream' && filter.definition.onMessage !== undefined;
    this.#body = this.#streams ? new StreamedBody() : new BufferedBody(filter.limits.body);
  }

  /** Decided for good: handlers are not asked any more. */
  get decided(): boolean {
    return this.#settled !== null;
  }

  /** The MTA was told so: for this filter the message is over. */
  get done(): boolean {
    return this.#settled !== null && !this.#heldBack;
  }

  /** The answer to whatever the MTA still sends of this message. */
  get told(): Verdict {
    return this.#settled === null || this.#heldBack ? GO_ON : verdictOf(this.#settled);
  }

  spoil(handler: string): void {
    if (!BLIND.has(handler)) this.edits.void();
  }

  /** This decides the message. */
  settle(decision: Decision): void {
    this.#settled ??= decision;
    this.#heldBack = decision.kind === 'accept' && this.edits.pending;
    if (!this.#heldBack) this.edits.seal();
    this.#body.abandon();
  }

  /** Nobody waits for an answer about this message. */
  get cancelled(): boolean {
    return this.#over || this.calledOff;
  }

  /** A recipient that was not refused. */
  recipient(to: Path): void {
    const { recipients } = this.envelope;
    recipients.push(to);
    const limit = this.filter.limits.recipients;
    if (recipients.length > limit)
      this.#fault(
        'recipients',
        new FilterError('recipients_limit', `more recipients than limits.recipients, ${limit}`),
      );
  }

  /** HEADER. */
  header(name: string, value: string): Verdict {
    if (this.decided || this.#plan.header === 'none') return this.told;
    const { headers } = this.edits;
    const limit = this.filter.limits.headers;
    headers.receive(name, value);
    if (headers.size > limit)
      this.#fault(
        'header',
        new FilterError('headers_limit', `the header is larger than limits.headers, ${limit} bytes`),
      );
    return this.told;
  }

  /** BODY. A promise while a slow reader catches up. */
  body(data: Uint8Array): Maybe<Verdict> {
    if (this.decided || this.#plan.body === 'none') return this.told;
    if (this.#streams) this.#start();
    const wait = this.#write(data);
    if (wait instanceof Promise && !this.decided) return this.#whileReading(wait);
    return this.#unlessSkipped();
  }

  /** BODYEOB: the last word. */
  end(data: Uint8Array): Maybe<Outcome> {
    if (!this.decided) {
      if (this.#streams) this.#start();
      if (data.length > 0 && this.#plan.body !== 'none') void this.#write(data);
      if (this.#repeated) void this.#pass(this.#repeated.end());
      this.#body.end();
    }
    const decision = this.#lastWord();
    return decision instanceof Promise ? decision.then((d) => this.#finish(d)) : this.#finish(decision);
  }

  /** ABORT or disconnect. Whether the author's onAbort is due. */
  abort(reason: FilterError): boolean {
    const due = !this.done && !this.#over;
    this.#over = true;
    this.edits.void();
    this.#body.fail(reason);
    return due;
  }

  #fault(handler: string, error: unknown): void {
    this.settle(faultDecision(this, handler, error));
  }

  #write(data: Uint8Array): void | Promise<void> {
    this.#repeated ??= new RepeatedHeader(this.edits.headers.slots.filter((s) => s.seen));
    return this.#pass(this.#repeated.push(data));
  }

  #pass(chunks: readonly Uint8Array[]): void | Promise<void> {
    let wait: void | Promise<void> = undefined;
    try {
      for (const chunk of chunks) wait = this.#body.push(chunk);
    } catch (error) {
      this.#fault('body', error);
    }
    return wait;
  }

  /** Starts onMessage of a streaming filter, which then reads while the body arrives. */
  #start(): void {
    this.#running ??= Promise.resolve(this.#message()).then((decision) => this.#conclude(decision));
  }

  /** A refusal need not wait for the end of the message; nor need a failure. The rest of the body is not wanted either way. */
  #conclude(decision: Decision): Decision {
    this.#body.abandon();
    const refuses = decision.kind === 'reject' || decision.kind === 'tempfail' || decision.kind === 'discard';
    if (!this.#over && !this.decided && (refuses || this.edits.voided)) this.settle(decision);
    return decision;
  }

  async #whileReading(wait: Promise<void>): Promise<Verdict> {
    const caughtUp = wait.then(() => CONTINUE);
    const either = this.#running ? Promise.race([caughtUp, this.#running]) : caughtUp;
    const decision = await inTime(this, 'onMessage', either);
    if (this.edits.voided) this.#conclude(decision);
    return this.#unlessSkipped();
  }

  #unlessSkipped(): Verdict {
    const { told } = this;
    if (told.kind !== 'continue' || !this.#body.unwanted) return told;
    return meaningOf(this.agreement, 'body', 'skip') === null ? told : SKIP;
  }

  #lastWord(): Maybe<Decision> {
    if (this.#settled) return this.#settled;
    if (this.filter.definition.onMessage === undefined) return CONTINUE;
    return inTime(this, 'onMessage', this.#running ?? this.#message());
  }

  /** Runs onMessage; a replaced body that is still being made belongs to it. */
  #message(): Maybe<Decision> {
    const { session, envelope, edits, filter } = this;
    const message = messageOf(edits, this.#body, filter.limits.body);
    const decision = runHandler(this, 'end', 'onMessage', () =>
      filter.definition.onMessage?.(session, envelope, message),
    );
    const settled = (d: Decision): Maybe<Decision> =>
      edits.unsettled && !edits.voided
        ? edits.settle(filter.limits.body).then(
            () => d,
            (error: unknown) => faultDecision(this, 'onMessage', error),
          )
        : d;
    return decision instanceof Promise ? decision.then(settled) : settled(decision);
  }

  #finish(decision: Decision): Outcome {
    const verdict = verdictOf(decision);
    const lives = !this.done && (verdict.kind === 'continue' || verdict.kind === 'accept');
    if (decision.kind === 'quarantine') this.edits.quarantine ??= decision.reason;
    const edits = lives ? this.edits.list() : [];
    this.edits.seal();
    this.#over = true;
    return { verdict, edits };
  }
}

/** What a decision at this event decides: nothing that lasts, this message, or the whole connection. */
export function reachOf(
  agreement: Agreement,
  event: EventName,
  decision: Decision,
): 'nothing' | 'message' | 'connection' {
  const meaning = meaningOf(agreement, event, verdictOf(decision).kind);
  if (meaning === null || meaning.does === 'continue') return 'nothing';
  if (meaning.about === 'connection') return 'connection';
  return meaning.about === 'transaction' ? 'message' : 'nothing';
}
