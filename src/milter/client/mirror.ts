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
    if (this.#observer.written) return this.#observer.written(this.#clock.elapsed(), pieces);
    for (const piece of pieces) this.#reader.push(piece);
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next())
      this.#show(this.#clock.elapsed(), 'sent', frame);
  }

  /** `at`: when it came. */
  received(at: number, frame: Frame): void {
    if (this.#observer.came) this.#observer.came(at, frame.code, frame.payload);
    else this.#show(at, 'received', frame);
  }

  /** What came first is no packet. */
  stray(bytes: Uint8Array): void {
    this.#observer.stray?.({ at: this.#clock.elapsed(), bytes });
  }

  answered(event: EventName, verdict: Verdict, waited: number): void {
    this.#observer.answered?.(event, verdict, waited);
  }

  #show(at: number, direction: 'sent' | 'received', { code, payload }: Frame): void {
    this.#observer.packet?.({ at, direction, code: String.fromCharCode(code), bytes: payload });
  }
}
