/**
 * The wire end of a conversation: gathers frames, writes them, matches answers with what is due, keeps the deadlines.
 *
 * It knows frames, the law table and time, not what a message is. Every fault ends it once and for all: the socket is destroyed
 * without QUIT, `dead` is set, the listener and everybody who waits hear of it. It never throws at its caller but for faults of
 * ours.
 */
import type { Socket } from 'node:net';
import { writeTogether } from '#message';
import {
  FrameReader,
  FrameWriter,
  decodeAnswer,
  meaningOf,
  type Agreement,
  type Edit,
  type EventName,
  type Frame,
  type Meaning,
  type Verdict,
} from '#milter/protocol';
import { AwaitedAnswers } from './awaited.ts';
import { EditCollector } from './collect.ts';
import { Deadline } from './deadline.ts';
import { MilterError, asMilterError } from './errors.ts';
import { firstBytes } from './first-bytes.ts';
import { Mirror } from './mirror.ts';
import { NUDGES } from './nudge.ts';
import type { MilterClientOptions, MilterMeter, MilterObserver, Unsent } from './options.ts';
import { EDITS, illegal, unasked } from './wrong-answers.ts';

/** Hears the answers, in order. */
export interface LinkListener {
  /** `followed`: further events had left after the answered one, so a verdict that ends things came too late for them. */
  answered(answer: {
    readonly event: EventName;
    readonly verdict: Verdict;
    readonly meaning: Meaning;
    readonly edits: readonly Edit[];
    readonly followed: boolean;
  }): void;
  failed(error: MilterError): void;
}

/** Events un-answered before the writer is asked to wait, and bytes in flight. */
const WINDOW_FRAMES = 256;
const WINDOW_BYTES = 1024 * 1024;

/** See the head of the file. */
export class Link {
  readonly writer = new FrameWriter();
  readonly awaited = new AwaitedAnswers();
  readonly #socket: Socket;
  readonly #options: MilterClientOptions;
  readonly #reader: FrameReader;
  readonly #wait: Deadline;
  readonly #whole: Deadline;
  /** Shows the packets to whoever hears them. */
  #mirror: Mirror | null = null;
  readonly #nudges: boolean;
  readonly #meter: MilterMeter | null;
  /** Somebody wants to know how long things take. */
  #timed = false;
  /** When what is being read came. */
  #now = 0;
  #agreement: Agreement | null = null;
  #opening: ((frame: Frame) => void) | null = null;
  /** What came first, kept until there is an agreement. */
  #first: Uint8Array | null = null;
  #edits: EditCollector | null = null;
  #pressed: (() => void)[] = [];
  #content = false;
  /** A nudge is being considered; something has left since the last answer. */
  #nudging = false;
  #sent = false;
  /** Milliseconds waited for answers during this content, and when the present wait began. */
  #spent = 0;
  #since = 0;
  /** Why nothing can be said any more; null while it can. */
  dead: MilterError | null = null;
  /** The filter decided while later events were under way: what it says from now on means nothing. */
  voided = false;
  listener: LinkListener | null = null;

  constructor(socket: Socket, options: MilterClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new FrameReader(options.maxResponseSize);
    this.#wait = new Deadline(options.clock, () => this.#late(false));
    this.#whole = new Deadline(options.clock, () => this.#late(true));
    this.#meter = options.meter ?? null;
    this.observe(options.observer ?? null);
    this.#nudges = options.nudge && options.endpoint.kind === 'tcp';
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk));
    socket.on('drain', () => this.#relieve());
    socket.on('error', (cause) => this.fail(this.#gone(cause)));
    socket.on('end', () => this.fail(this.#gone()));
    socket.on('close', () => this.fail(this.#gone()));
  }

  /** Sends what is gathered and hands the first frame that comes to `first`. */
  open(first: (frame: Frame) => void): void {
    this.#opening = first;
    this.#write();
  }

  /** Somebody else hears the packets from now on; null: nobody. */
  observe(observer: MilterObserver | null): void {
    this.#mirror = observer && new Mirror(observer, this.#options.clock);
    this.#timed = this.#meter !== null || observer !== null;
  }

  /** From now on answers are judged by this agreement. */
  agreed(agreement: Agreement): void {
    this.#agreement = agreement;
    this.#meter?.opened(agreement);
    this.#first = null;
    this.writer.maxPayload = agreement.maxData;
  }

  /** Content begins (or is over): other patience applies, and the bound on the sum of all waits. */
  content(begins: boolean): void {
    if (begins) this.writer.mark();
    this.#content = begins;
    this.#spent = 0;
    this.#whole.clear();
  }

  /** Everything gathered leaves, in one write. */
  flush(): void {
    if (this.dead !== null || this.writer.size === 0) return;
    this.awaited.left(this.#timed ? this.#options.clock.elapsed() : 0);
    this.#write();
    if (this.awaited.count > 0 && !this.#wait.running) this.#startWait();
  }

  /** Nothing to wait for when little is under way, else a promise that it is. Never rejects: `dead` tells. */
  pressure(): void | Promise<void> {
    if (this.dead !== null || this.#fits(1)) return;
    this.flush();
    if (!this.#wait.running) this.#startWait();
    return new Promise((resolve) => this.#pressed.push(resolve));
  }

  /** Body bytes that need not be sent. */
  unsent(reason: Unsent, bytes: number): void {
    this.#meter?.unsent(reason, bytes);
  }

  /** The rest of the message is void: nothing is due any more, what has not left never will. `late`: something had left. */
  cut(late: boolean): void {
    this.awaited.forget();
    this.writer.clear();
    this.#edits = null;
    this.#stopWait();
    if (late) this.voided = true;
    this.#relieve();
  }

  /** Ends the conversation with an error. The first one counts. */
  fail(error: MilterError): void {
    if (this.dead !== null) return;
    error.received ??= this.#first;
    this.#end(error);
    this.#socket.destroy();
    this.listener?.failed(error);
  }

  /** Ends the conversation in peace: what is gathered leaves, then the socket is closed, at the latest after `ms`. */
  finish(error: MilterError, ms: number): void {
    if (this.dead !== null) return;
    if (this.writer.size > 0) this.#write();
    this.#end(error);
    const cancel = this.#options.clock.after(ms, () => this.#socket.destroy());
    this.#socket.once('close', cancel);
    this.#socket.destroySoon();
    this.listener?.failed(error);
  }

  #end(error: MilterError): void {
    this.dead = error;
    if (this.#agreement !== null) this.#meter?.closed();
    this.awaited.forget();
    this.writer.clear();
    this.#wait.stop();
    this.#whole.stop();
    this.#relieve();
  }

  #received(chunk: Uint8Array): void {
    if (this.dead !== null) return;
    if (this.#timed) {
      this.#now = this.#options.clock.elapsed();
      this.#meter?.received(chunk.length);
    }
    if (this.#agreement === null) this.#first = firstBytes(this.#first, chunk);
    let heard = false;
    try {
      this.#reader.push(chunk);
      for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
        this.#mirror?.received(this.#now, frame);
        heard = true;
        this.#frame(frame);
        if (this.dead !== null) return;
      }
    } catch (error) {
      const fault = asMilterError(error, this.awaited.oldest);
      if (this.#first && (fault.code === 'not_a_milter' || fault.code === 'frame_too_large'))
        this.#mirror?.stray(this.#first);
      return this.fail(fault);
    }
    if (heard && this.#nudges && this.awaited.oldest !== undefined) this.#nudgeSoon();
  }

  /**
   * An answer came and others are due: the filter may be holding them back until its TCP hears of ours (Nagle). Everything we
   * send carries that; when nothing else leaves within two turns of the event loop, in which the rest may come by itself, an
   * empty MACRO frame does.
   */
  #nudgeSoon(): void {
    this.#sent = false;
    if (this.#nudging) return;
    this.#nudging = true;
    setImmediate(() => setImmediate(() => this.#nudge()));
  }

  #nudge(): void {
    this.#nudging = false;
    const due = this.dead === null && this.awaited.oldest !== undefined;
    const { last } = this.awaited;
    const nudge = last === null ? undefined : NUDGES[last];
    if (due && nudge && !this.#sent && this.#socket.writableLength === 0) this.#send([nudge]);
  }

  #frame(frame: Frame): void {
    if (this.#opening !== null) {
      const first = this.#opening;
      this.#opening = null;
      return first(frame);
    }
    const event = this.voided ? undefined : this.awaited.oldest;
    if (event === undefined) {
      const edit = EDITS.get(frame.code);
      if (edit) this.#meter?.lateEdit(edit);
      if (this.voided) return;
      throw unasked(frame);
    }
    const answer = decodeAnswer(frame);
    switch (answer.kind) {
      case 'progress':
        this.#meter?.progress();
        return this.#startWait();
      case 'edit':
        if (event !== 'end') throw illegal(frame, event, answer.edit.kind);
        this.#edits ??= new EditCollector({
          actions: this.#agreement!.actions,
          maxEdits: this.#options.maxEdits,
          maxBodySize: this.#options.maxBodySize,
        });
        this.#edits.add(answer.code, answer.edit);
        return this.#startWait();
      case 'optneg':
        throw illegal(frame, event);
      case 'verdict':
        return this.#verdict(frame, event, answer.verdict);
    }
  }

  #verdict(frame: Frame, event: EventName, verdict: Verdict): void {
    const meaning = meaningOf(this.#agreement!, event, verdict.kind);
    if (meaning === null) throw illegal(frame, event);
    const edits = this.#edits?.take() ?? [];
    this.#edits = null;
    const { sent, followed } = this.awaited.answered();
    if (this.awaited.oldest === undefined) this.#stopWait();
    else this.#startWait();
    if (this.#timed) {
      const waited = this.#now - sent;
      this.#meter?.answered(event, verdict.kind, waited);
      this.#mirror?.answered(event, verdict, waited);
    }
    this.listener?.answered({ event, verdict, meaning, edits, followed });
    if (this.#pressed.length > 0 && this.#fits(2)) this.#relieve();
  }

  /** Less than the window, divided by `by`, is under way. */
  #fits(by: number): boolean {
    return (
      this.awaited.count <= WINDOW_FRAMES / by &&
      this.awaited.bytes <= WINDOW_BYTES / by &&
      this.#socket.writableLength <= WINDOW_BYTES / by
    );
  }

  #relieve(): void {
    if (this.#pressed.length === 0) return;
    if (this.awaited.oldest === undefined) this.#stopWait();
    const waiting = this.#pressed;
    this.#pressed = [];
    for (const resolve of waiting) resolve();
  }

  #startWait(): void {
    const { clock, timeoutCommand, timeoutData, timeoutMessage } = this.#options;
    if (this.#content && timeoutMessage > 0 && !this.#whole.running) {
      this.#since = clock.elapsed();
      this.#whole.set(Math.max(0, timeoutMessage - this.#spent));
    }
    this.#wait.set(this.#content ? timeoutData : timeoutCommand);
  }

  #stopWait(): void {
    this.#wait.clear();
    if (!this.#whole.running) return;
    this.#spent += this.#options.clock.elapsed() - this.#since;
    this.#whole.clear();
  }

  #late(whole: boolean): void {
    const event = this.awaited.oldest;
    const { timeoutCommand, timeoutData, timeoutMessage } = this.#options;
    const what = event ? `the filter did not answer ${event}` : 'the filter did not take what was sent';
    if (whole)
      this.fail(
        new MilterError(
          'message_timeout',
          `the filter took longer than ${timeoutMessage} ms for one message`,
          {
            event,
          },
        ),
      );
    else if (this.#content)
      this.fail(new MilterError('data_timeout', `${what} within ${timeoutData} ms`, { event }));
    else this.fail(new MilterError('command_timeout', `${what} within ${timeoutCommand} ms`, { event }));
  }

  #gone(cause?: Error): MilterError {
    const event = this.awaited.oldest;
    if (this.#opening !== null)
      return new MilterError(
        'negotiation',
        'the filter closed the connection after the option offer: it does not accept this version or these flags; ' +
          'leave flagsAction and flagsProtocol out to offer everything, or try the other protocolVersion',
        { cause },
      );
    const torn = this.#reader.pending > 0 ? ' in the middle of a frame' : '';
    const when = event ? ` while ${event} was to be answered` : '';
    return new MilterError('disconnected', `the filter closed the connection${torn}${when}`, {
      event,
      cause,
    });
  }

  #write(): void {
    this.#send(this.writer.take());
  }

  #send(parts: readonly Uint8Array[]): void {
    this.#mirror?.sent(parts);
    this.#sent = true;
    const bytes = writeTogether(this.#socket, parts);
    this.#meter?.sent(bytes);
  }
}
