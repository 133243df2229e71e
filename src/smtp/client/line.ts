/**
 * The messages of a pool that have no connection yet: those in line for one, and those announced on one.
 *
 * A message in line is taken along by the first connection that is about to write another message's content; when its time is
 * over it asks for a connection of its own instead. A message taken along waits for the end of the one before it, and goes
 * back to the head of the line when that takes too long: only its commands were sent, nobody has it. Whoever leaves the line
 * does so once. Sends nothing itself.
 */
import type { Cancel, Clock } from '#clock';
import type { OutgoingMessage } from './commands.ts';
import type { SmtpConnection } from './connection.ts';

/**
 * How waiting ends: on this connection, where the message was announced; with a connection of its `own`; with a `fresh` one,
 * because the one it was announced on is lost; not at all, because it was `withdrawn`.
 */
export type Turn = SmtpConnection | 'own' | 'fresh' | 'withdrawn';

/** A message that waits. */
export interface Passenger {
  readonly message: OutgoingMessage;
  /** When its waiting is over, by Clock.elapsed. */
  until: number;
  readonly go: (turn: Turn) => void;
}

/** See above. */
export class Line {
  readonly #clock: Clock;
  readonly #alongMs: number;
  readonly #admit: () => void;
  readonly #waiting: Passenger[] = [];
  /** By the connection they were announced on, the longest announced first. */
  readonly #along = new Map<SmtpConnection, Passenger>();
  #timer: Cancel | null = null;
  #sweep: Cancel | null = null;

  /** `alongMs`: how long a message stays announced. `admit` is called when somebody's time in line is over. */
  constructor(clock: Clock, alongMs: number, admit: () => void) {
    this.#clock = clock;
    this.#alongMs = alongMs;
    this.#admit = admit;
  }

  /** Messages in line. */
  get length(): number {
    return this.#waiting.length;
  }

  /** Puts a message in line, for `ms` milliseconds before it asks for a connection. */
  join(message: OutgoingMessage, ms: number, go: (turn: Turn) => void): Passenger {
    const passenger = { message, until: this.#clock.elapsed() + ms, go };
    this.#waiting.push(passenger);
    if (ms > 0) this.#timer ??= this.#clock.after(ms, () => this.#timeOver());
    return passenger;
  }

  /** Takes the first message out of line; when it is `patient`, only if its time is over. */
  next(patient: boolean): Passenger | null {
    const first = this.#waiting[0];
    if (first === undefined || (patient && first.until > this.#clock.elapsed())) return null;
    this.#waiting.shift();
    return first;
  }

  /** The first message in line is announced on this connection. */
  takeAlong(connection: SmtpConnection): OutgoingMessage | null {
    const first = this.#waiting.shift();
    if (first === undefined) return null;
    first.until = this.#clock.elapsed() + this.#alongMs;
    this.#along.set(connection, first);
    this.#sweep ??= this.#clock.after(this.#alongMs, () => this.#tooLong());
    return first.message;
  }

  /** Who was announced on this connection and still waits for its turn there. */
  announcedOn(connection: SmtpConnection): Passenger | undefined {
    const passenger = this.#along.get(connection);
    this.#along.delete(connection);
    return passenger;
  }

  /** A message is not to be sent any more. */
  withdraw(passenger: Passenger): void {
    const at = this.#waiting.indexOf(passenger);
    if (at >= 0) this.#waiting.splice(at, 1);
    else for (const [connection, p] of this.#along) if (p === passenger) this.#along.delete(connection);
    passenger.go('withdrawn');
  }

  /** No message in line is to be sent any more; those announced hear from their connections. */
  close(): void {
    this.#timer?.();
    this.#sweep?.();
    for (const passenger of this.#waiting.splice(0)) passenger.go('withdrawn');
  }

  /** Connections that can be read from right now come first: one of them may take the message along. */
  #timeOver(): void {
    setImmediate(() => this.#admitOverdue());
  }

  #admitOverdue(): void {
    this.#timer = null;
    this.#admit();
    const now = this.#clock.elapsed();
    const next = this.#waiting.find((p) => p.until > now);
    if (next !== undefined) this.#timer = this.#clock.after(next.until - now, () => this.#timeOver());
  }

  /** Those announced too long ago stand at the head of the line again. */
  #tooLong(): void {
    this.#sweep = null;
    const now = this.#clock.elapsed();
    const back: Passenger[] = [];
    for (const [connection, passenger] of this.#along) {
      if (passenger.until > now) {
        this.#sweep = this.#clock.after(passenger.until - now, () => this.#tooLong());
        break;
      }
      this.#along.delete(connection);
      back.push(passenger);
    }
    this.#waiting.unshift(...back);
    if (back.length > 0) this.#admit();
  }
}
