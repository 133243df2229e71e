/**
 * Collects the edits of one answer, within limits.
 *
 * All REPLBODY frames become one edit that stands where the first one stood. Throws MilterError `action_not_granted` for an edit
 * that was not negotiated and `too_big` beyond a limit. Large body pieces are kept as views; small ones are copied together,
 * for a view keeps the whole read buffer alive.
 */
import { codeName, flagNames, mayEdit, RIGHT_FOR, SMFIF, SMFIR, type Edit } from '#milter/protocol';
import { MilterError } from './errors.ts';

/** What may be asked for, and how much. */
export interface EditLimits {
  /** SMFIF bits granted. */
  readonly actions: number;
  /** Edits; a replaced body counts as one. */
  readonly maxEdits: number;
  /** Bytes of all REPLBODY payloads. */
  readonly maxBodySize: number;
}

const SMALL = 4096;
const BLOCK = 65536;

/** One per answer. */
export class EditCollector {
  readonly #limits: EditLimits;
  readonly #edits: Edit[] = [];
  readonly #body: Uint8Array[] = [];
  #bodySize = 0;
  #bodySeen = false;
  #block: Uint8Array | null = null;
  #filled = 0;

  constructor(limits: EditLimits) {
    this.#limits = limits;
  }

  /** Takes one edit frame; `code` is its SMFIR code. */
  add(code: number, edit: Edit): void {
    if (!mayEdit(this.#limits.actions, code)) {
      const needed = flagNames(RIGHT_FOR.get(code) ?? 0, SMFIF).join(' or ');
      throw new MilterError(
        'action_not_granted',
        `the filter sent ${codeName(code, SMFIR)} without having negotiated ${needed}`,
        { event: 'end', edit: edit.kind },
      );
    }
    if (edit.kind === 'replaceBody') {
      this.#addBody(edit.chunks);
      if (this.#bodySeen) return;
      this.#bodySeen = true;
      this.#edits.push({ kind: 'replaceBody', chunks: this.#body });
    } else this.#edits.push(edit);
    if (this.#edits.length > this.#limits.maxEdits)
      throw new MilterError(
        'too_big',
        `the filter asks for more than ${this.#limits.maxEdits} changes to one message`,
        { event: 'end', edit: edit.kind },
      );
  }

  /** The edits so far, in order. */
  take(): readonly Edit[] {
    return this.#edits;
  }

  #addBody(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#bodySize += chunk.length;
      if (this.#bodySize > this.#limits.maxBodySize)
        throw new MilterError(
          'too_big',
          `the filter's new body is larger than ${this.#limits.maxBodySize} bytes`,
          { event: 'end', edit: 'replaceBody' },
        );
      if (chunk.length >= SMALL) {
        this.#block = null;
        this.#body.push(chunk);
      } else if (chunk.length > 0) this.#copy(chunk);
    }
  }

  #copy(chunk: Uint8Array): void {
    if (this.#block === null || this.#filled + chunk.length > this.#block.length) {
      this.#block = new Uint8Array(this.#body.length === 0 ? SMALL : BLOCK);
      this.#filled = 0;
      this.#body.push(this.#block.subarray(0, 0));
    }
    this.#block.set(chunk, this.#filled);
    const last = this.#body.length - 1;
    const start = this.#filled - this.#body[last]!.length;
    this.#filled += chunk.length;
    this.#body[last] = this.#block.subarray(start, this.#filled);
  }
}
