/**
 * One milter connection, filter side: bytes in, answers out, over whatever wire it is given (a socket, or memory).
 *
 * Frames are worked off strictly in order; while a handler runs, what arrives meanwhile waits (bounded: then the wire is
 * paused), but an ABORT or QUIT among it is seen at once and aborts the handler's signal. Nothing thrown by a handler gets out;
 * bytes that are no milter protocol end the connection. Never answers MACRO, ABORT, QUIT, QUIT_NC or what was agreed as no-reply.
 */
import {
  DATA_SIZE,
  FrameReader,
  FrameWriter,
  LAW,
  MilterProtocolError,
  awaitsAnswer,
  decodeEvent,
  encodeChoice,
  encodeEdit,
  encodeProgress,
  encodeVerdict,
  type Agreement,
  type Frame,
  type MilterEvent,
} from '#milter/protocol';
import type { Filter } from './definition.ts';
import { FilterError } from './errors.ts';
import type { Log } from './log.ts';
import { negotiate, planOf, type Plan } from './plan.ts';
import type { Outcome } from './transaction.ts';
import { Visit, type Asked } from './visit.ts';

/** What carries the bytes. None of it may throw. */
export interface Wire {
  /** Sends; a promise asks to wait until the peer has taken enough. */
  send(parts: readonly Uint8Array[]): void | Promise<void>;
  /** Stop and go on delivering what arrives. */
  pause(): void;
  resume(): void;
  /** Close after what was sent. */
  end(): void;
}

/** Largest frame taken from an MTA, code byte included: the largest anybody negotiates. */
export const MAX_FRAME = DATA_SIZE.MDS_1M + 1;
/** Bytes taken in while a handler runs. */
export const MAX_AHEAD = 2 * MAX_FRAME;

/** A conversation over a wire of your own. Feed it with `receive`, tell it of the end with `ended`. */
export function converse(filter: Filter, wire: Wire, log: Log): Conversation {
  return new Conversation(filter, wire, log);
}

/** See the head of the file. */
export class Conversation {
  readonly #filter: Filter;
  readonly #plan: Plan;
  readonly #wire: Wire;
  readonly #log: Log;
  readonly #reader = new FrameReader(MAX_FRAME);
  readonly #writer = new FrameWriter();
  /** Frames that came while a handler ran. */
  readonly #ahead: Frame[] = [];
  #aheadBytes = 0;
  #working = false;
  #paused = false;
  #closed = false;
  #agreement: Agreement | null = null;
  #visit: Visit | null = null;

  constructor(filter: Filter, wire: Wire, log: Log) {
    this.#filter = filter;
    this.#plan = planOf(filter.definition);
    this.#wire = wire;
    this.#log = log;
  }

  /** No SMTP client is being served: before the first event and after QUIT_NC. */
  get idle(): boolean {
    return this.#visit === null;
  }

  /** An agreement was reached. */
  get negotiated(): boolean {
    return this.#agreement !== null;
  }

  /** Bytes from the MTA; kept, not copied. */
  receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#reader.push(chunk);
    if (this.#working) this.#lookAhead();
    else this.#work();
  }

  /** The MTA closed the connection, or it broke. */
  ended(): void {
    this.#close();
  }

  /** Ends the connection from our side. */
  stop(): void {
    if (this.#closed) return;
    this.#close();
    this.#wire.end();
  }

  /** Works off frames until there are none, or one has to be waited for. */
  #work(): void {
    try {
      for (let frame = this.#next(); frame !== null && !this.#closed; frame = this.#next()) {
        const wait = this.#handle(frame);
        if (wait) return this.#await(wait);
      }
      const sent = this.#flush();
      if (sent) this.#await(sent);
      else this.#unpause();
    } catch (error) {
      this.#broken(error);
    }
  }

  #next(): Frame | null {
    const frame = this.#ahead.shift();
    if (frame === undefined) return this.#reader.next();
    this.#aheadBytes -= frame.payload.length + 5;
    return frame;
  }

  #await(wait: Promise<void>): void {
    this.#working = true;
    wait.then(
      () => {
        this.#working = false;
        this.#work();
      },
      (error: unknown) => this.#broken(error),
    );
    this.#lookAhead();
  }

  /** What arrives while a handler runs: is it being called off? Is it too much? */
  #lookAhead(): void {
    try {
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.#ahead.push(frame);
        this.#aheadBytes += frame.payload.length + 5;
        if (frame.code === LAW.abort.code || frame.code === LAW.quit.code || frame.code === LAW.quitNc.code)
          this.#visit?.callOff();
      }
    } catch (error) {
      return this.#broken(error);
    }
    if (this.#paused || this.#aheadBytes + this.#reader.pending <= MAX_AHEAD) return;
    this.#paused = true;
    this.#wire.pause();
  }

  #unpause(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wire.resume();
  }

  #handle(frame: Frame): void | Promise<void> {
    const event = decodeEvent(frame);
    if (event.kind === 'optneg') return this.#negotiate(event);
    if (this.#agreement === null)
      throw new MilterProtocolError('negotiation', `${event.kind} came before the option negotiation`);
    switch (event.kind) {
      case 'macro':
        return this.#macros(event);
      case 'abort':
        return this.#visit?.abort();
      case 'quitNc':
        return this.#leave();
      case 'quit':
        return this.stop();
      default:
        return this.#answer(this.#agreement, event);
    }
  }

  #answer(agreement: Agreement, event: Asked): void | Promise<void> {
    // A second CONNECT without QUIT_NC is another client all the same.
    if (event.kind === 'connect' && this.#visit?.session.met === true) this.#leave();
    const visit = this.#here(agreement);
    const outcome = visit.answer(event);
    if (!(outcome instanceof Promise)) return this.#reply(visit, event.kind, outcome);
    const flushed = this.#flush();
    const answered = event.kind === 'end' ? this.#withProgress(outcome) : outcome;
    return (flushed ? flushed.then(() => answered) : answered).then((o) => this.#reply(visit, event.kind, o));
  }

  #negotiate(offer: MilterEvent & { kind: 'optneg' }): void {
    this.#leave();
    const { choice, agreement } = negotiate(this.#filter, this.#plan, offer);
    this.#agreement = agreement;
    encodeChoice(this.#writer, choice);
    this.#writer.maxPayload = agreement.maxData;
  }

  #macros({ event, pairs }: MilterEvent & { kind: 'macro' }): void {
    const stage = event === null ? null : LAW[event].macros;
    if (stage !== null && this.#agreement !== null) this.#here(this.#agreement).macros(stage, pairs);
  }

  /** The visit of the current SMTP client; begun by the first thing told of it. */
  #here(agreement: Agreement): Visit {
    return (this.#visit ??= new Visit(this.#filter, this.#plan, agreement, this.#log));
  }

  #leave(): void {
    this.#visit?.close();
    this.#visit = null;
  }

  /** Writes the answer where one is due. Edits and verdict go out together or, when one does not fit, not at all. */
  #reply(visit: Visit, event: Parameters<typeof awaitsAnswer>[1], outcome: Outcome): void | Promise<void> {
    if (this.#closed || this.#agreement === null || !awaitsAnswer(this.#agreement, event)) return;
    if (outcome.edits.length === 0) return encodeVerdict(this.#writer, outcome.verdict);
    const writer = new FrameWriter(this.#agreement.maxData);
    try {
      for (const edit of outcome.edits) encodeEdit(writer, edit, this.#agreement.actions);
      encodeVerdict(writer, outcome.verdict);
    } catch (error) {
      return encodeVerdict(this.#writer, visit.fault(error));
    }
    const before = this.#flush();
    if (!before) return this.#wire.send(writer.take());
    return before.then(() => this.#wire.send(writer.take()));
  }

  /** Signs of life while the answer to the end of message is being made. */
  async #withProgress(outcome: Promise<Outcome>): Promise<Outcome> {
    const every = this.#filter.limits.progress;
    if (every === 0) return outcome;
    const timer = setInterval(() => {
      if (this.#closed) return;
      encodeProgress(this.#writer);
      void this.#flush();
    }, every);
    try {
      return await outcome;
    } finally {
      clearInterval(timer);
    }
  }

  #flush(): void | Promise<void> {
    if (this.#writer.size === 0 || this.#closed) return;
    return this.#wire.send(this.#writer.take());
  }

  /** The peer is out of step, or our side has a fault: nothing can be answered any more. */
  #broken(error: unknown): void {
    if (this.#closed) return;
    const says = error instanceof Error ? error.message : String(error);
    const event = error instanceof FilterError ? 'connection.refused' : 'connection.broken';
    this.#log({ level: 'error', event, filter: this.#filter.name, says, error });
    this.stop();
  }

  #close(): void {
    if (this.#closed) return;
    // What was answered before the QUIT still leaves.
    void this.#flush();
    this.#closed = true;
    this.#ahead.length = 0;
    this.#leave();
  }
}
