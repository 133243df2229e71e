/**
 * Whether what is under way shall be broken off, and who wants to hear of it.
 *
 * What AbortSignal promises of this, and no more: every attempt of every message has one, hardly any is ever used, and a real
 * AbortController costs as much as all else that is made for an attempt. An AbortSignal may stand wherever a BreakOff is asked for.
 */

/** What is asked. */
export interface BreakOff {
  readonly aborted: boolean;
  addEventListener(type: 'abort', heard: () => void): void;
  removeEventListener(type: 'abort', heard: () => void): void;
}

/** One that is made and used here. */
export class BreakOffSwitch implements BreakOff {
  #aborted = false;
  readonly #hear: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: 'abort', heard: () => void): void {
    this.#hear.push(heard);
  }

  removeEventListener(_type: 'abort', heard: () => void): void {
    const at = this.#hear.lastIndexOf(heard);
    if (at >= 0) this.#hear.splice(at, 1);
  }

  /** Breaks off; whoever listens hears it once, and must not throw. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    while (this.#hear.length > 0) this.#hear.shift()!();
  }
}
