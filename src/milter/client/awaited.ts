/**
 * The answers that are due, oldest first: what was asked, when it left, how large it was.
 *
 * A queue over parallel arrays, so that a pipelined header field costs no object. Never fails; knows no protocol.
 */
import type { EventName } from '#milter/protocol';

/** See the head of the file. */
export class AwaitedAnswers {
  #events: EventName[] = [];
  #sizes: number[] = [];
  #numbers: number[] = [];
  #times: number[] = [];
  #first = 0;
  /** Frames of all events asked since the beginning, answered or not. */
  #asked = 0;
  /** Number of the last frame that has left. */
  #left = 0;
  #bytes = 0;
  /** The event gathered last. */
  #latest: EventName | null = null;
  /** The event that has left last; null before there is one. */
  last: EventName | null = null;

  /** Answers due, of events still gathered too. */
  get count(): number {
    return this.#events.length - this.#first;
  }

  /** Bytes of the events whose answers are due. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest event whose answer is due and which has left; undefined when nothing has. */
  get oldest(): EventName | undefined {
    return this.#first < this.#events.length && this.#numbers[this.#first]! <= this.#left
      ? this.#events[this.#first]
      : undefined;
  }

  /** An event was gathered whose answer nobody will send. */
  told(event: EventName): void {
    this.#latest = event;
    this.#asked++;
  }

  /** An event of `size` bytes was gathered whose answer is due. */
  asked(event: EventName, size: number): void {
    this.#latest = event;
    this.#events.push(event);
    this.#sizes.push(size);
    this.#bytes += size;
    this.#numbers.push(++this.#asked);
    this.#times.push(0);
  }

  /** Everything gathered has left, at `now`. */
  left(now: number): void {
    for (let i = this.#events.length - 1; i >= this.#first && this.#numbers[i]! > this.#left; i--)
      this.#times[i] = now;
    this.#left = this.#asked;
    this.last = this.#latest;
  }

  /** The oldest was answered. Returns when it had left, and whether other events have left after it. */
  answered(): { sent: number; followed: boolean } {
    const i = this.#first++;
    const result = { sent: this.#times[i]!, followed: this.#left > this.#numbers[i]! };
    this.#bytes -= this.#sizes[i]!;
    if (this.#first === this.#events.length) this.forget();
    return result;
  }

  /** Nothing is due any more; what was gathered and has not left was never asked. */
  forget(): void {
    this.#events.length = 0;
    this.#sizes.length = 0;
    this.#numbers.length = 0;
    this.#times.length = 0;
    this.#first = 0;
    this.#bytes = 0;
  }
}
