/** Shows the packets of a link to an observer: those that come as they are, those that leave cut out of what is written. */
import type { Clock } from '#clock';
import { FrameReader, type EventName, type Frame, type Verdict } from '#milter/protocol';
import type { MilterObserver } from './options.ts';

/** See above. Never throws. */
export class Mirror {
  readonly #observer: MilterObserver;
  readonly #clock: Clock;
  readonly #reader = new FrameReader(0xffffffff);

  constructor(observer: MilterObserver, clock: Clock) {
    this.#observer = observer;
    this.#clock = clock;
  }

  /** Whole packets leave, in these pieces. */
  sent(pieces: readonly Uint8Array[]): void {
    if (this.#observer.written) return this.#observer.written({ at: this.#clock.elapsed(), pieces });
    for (const piece of pieces) this.#reader.push(piece);
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next())
      this.#show('sent', frame);
  }

  received(frame: Frame): void {
    this.#show('received', frame);
  }

  /** What came first is no packet. */
  stray(bytes: Uint8Array): void {
    this.#observer.stray?.({ at: this.#clock.elapsed(), bytes });
  }

  answered(event: EventName, verdict: Verdict, waited: number): void {
    this.#observer.answered?.(event, verdict, waited);
  }

  #show(direction: 'sent' | 'received', { code, payload }: Frame): void {
    const at = this.#clock.elapsed();
    this.#observer.packet({ at, direction, code: String.fromCharCode(code), bytes: payload });
  }
}
