/**
 * The content of one message as one filter hears it: header fields, end of headers, body, end of message.
 *
 * With `pipeline` frames are written without waiting for each answer, within the link's window; without it one step waits for
 * one answer. Faults and early verdicts make the rest a no-op and come out at `end`, so a streaming caller needs no `try`
 * around its writes. Body bytes are never copied but for tiny pieces.
 */
import type { HeaderField } from '#message';
import {
  awaitsAnswer,
  encodeBare,
  encodeBody,
  encodeHeaderField,
  encodeStageMacros,
  hasLeadingSpace,
  sendsEvent,
  type Agreement,
  type Edit,
  type EventName,
  type MacroLookup,
  type Verdict,
} from '#milter/protocol';
import { asMilterError, type MilterError } from './errors.ts';
import type { Link, LinkListener } from './link.ts';
import type { Skips } from './skips.ts';

/** What the filter said at end of message. `edits` is empty unless the verdict lets the message pass. */
export interface ContentAnswer {
  readonly verdict: Verdict;
  readonly edits: readonly Edit[];
}

/** Gives one message to one filter. Promises that are returned ask the caller to wait; none but that of `end` rejects. */
export interface MilterContent {
  /** Header fields in message order, in one or several calls; own fields are left out. */
  fields(fields: readonly HeaderField[]): void | Promise<void>;
  /** The header is complete. */
  endOfHeaders(): void | Promise<void>;
  /** Body bytes, CRLF line ends, cut anywhere; kept, not copied. */
  body(chunk: Uint8Array): void | Promise<void>;
  /** End of message: asks for the verdict. Rejects with the MilterError of whatever went wrong since the content began. */
  end(): Promise<ContentAnswer>;
  /** The verdict by which the filter has decided early, or null: nothing more is sent to it. */
  readonly settled: Verdict | null;
  /** Header fields whose value was cut because it does not fit a frame. */
  readonly cutFields: number;
}

/** What the content needs of its conversation. */
export interface ContentSurroundings {
  readonly link: Link;
  readonly agreement: Agreement;
  readonly skips: Skips;
  readonly pipeline: boolean;
  /** The content is over; `open`: an ABORT is due all the same. */
  done(open: boolean): void;
}

/** Gathered bytes that are sent without waiting for more. */
const GATHER = 65536;
const CONTINUE: Verdict = Object.freeze({ kind: 'continue' });

/** See the head of the file. */
export class Content implements MilterContent {
  readonly #on: ContentSurroundings;
  readonly #macros: MacroLookup;
  readonly #sendsFields: boolean;
  readonly #sendsBody: boolean;
  /** Body bytes not framed yet. */
  #pieces: Uint8Array[] = [];
  #piecesSize = 0;
  /** The last call that had to wait; later ones queue behind it. */
  #tail: Promise<void> | null = null;
  #stepped: (() => void) | null = null;
  #ended: { resolve(answer: ContentAnswer): void; reject(error: MilterError): void } | null = null;
  #error: MilterError | null = null;
  #answer: ContentAnswer | null = null;
  cutFields = 0;

  /** `fault`: why nothing can be said, when the conversation is dead already. */
  constructor(on: ContentSurroundings, macros: MacroLookup, fault: MilterError | null) {
    this.#on = on;
    this.#macros = macros;
    this.#sendsFields = sendsEvent(on.agreement, 'header');
    this.#sendsBody = sendsEvent(on.agreement, 'body');
    this.#error = fault;
  }

  get settled(): Verdict | null {
    return this.#answer === null ? null : this.#answer.verdict;
  }

  fields(fields: readonly HeaderField[]): void | Promise<void> {
    if (this.#over || !this.#sendsFields) return;
    return this.#inTurn(() => this.#fields(fields, 0));
  }

  endOfHeaders(): void | Promise<void> {
    if (this.#over) return;
    return this.#inTurn(() => {
      const { agreement, link, skips } = this.#on;
      if (this.#over || skips.omits('eoh') || !sendsEvent(agreement, 'eoh')) return;
      encodeStageMacros(link.writer, agreement, 'eoh', this.#macros);
      encodeBare(link.writer, 'eoh');
      return this.#sent('eoh', 5);
    });
  }

  body(chunk: Uint8Array): void | Promise<void> {
    if (this.#error !== null || chunk.length === 0) return;
    const { link } = this.#on;
    if (this.#answer !== null) return link.unsent('decided', chunk.length);
    if (!this.#sendsBody) return link.unsent('unwanted', chunk.length);
    return this.#inTurn(() => {
      this.#pieces.push(chunk);
      this.#piecesSize += chunk.length;
      return this.#fullChunks();
    });
  }

  end(): Promise<ContentAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#answer !== null) return resolve(this.#answer);
      if (this.#error !== null) return reject(this.#error);
      this.#ended = { resolve, reject };
      void this.#inTurn(() => this.#end());
    });
  }

  /** Called by the conversation. */
  answered(answer: Parameters<LinkListener['answered']>[0]): void {
    const { event, verdict, meaning, edits, followed } = answer;
    if (event === 'end') {
      const passes = meaning.does === 'accept';
      this.#finish(
        { verdict: verdict.kind === 'skip' ? CONTINUE : verdict, edits: passes ? edits : [] },
        false,
      );
    } else if (meaning.does !== 'continue') {
      this.#on.link.cut(followed);
      this.#finish({ verdict, edits: [] }, meaning.open);
    }
    this.#step();
  }

  /** Called by the conversation: nothing more comes. */
  failed(error: MilterError): void {
    if (this.#over) return;
    this.#error = error;
    this.#pieces = [];
    this.#on.link.content(false);
    this.#ended?.reject(error);
    this.#step();
  }

  get #over(): boolean {
    return this.#answer !== null || this.#error !== null;
  }

  #finish(answer: ContentAnswer, open: boolean): void {
    this.#answer = answer;
    this.#pieces = [];
    this.#on.link.content(false);
    this.#on.done(open);
    this.#ended?.resolve(answer);
  }

  /** Runs `step` now, or behind the call that is waiting. */
  #inTurn(step: () => void | Promise<void>): void | Promise<void> {
    const guarded = (): void | Promise<void> => {
      if (this.#over) return;
      try {
        return step();
      } catch (error) {
        this.#on.link.fail(asMilterError(error));
      }
    };
    const wait = this.#tail === null ? guarded() : this.#tail.then(guarded);
    if (wait === undefined) return;
    const tail = wait.then(() => {
      if (this.#tail === tail) this.#tail = null;
    });
    this.#tail = tail;
    return tail;
  }

  #fields(fields: readonly HeaderField[], from: number): void | Promise<void> {
    const { agreement, link, skips } = this.#on;
    const space = hasLeadingSpace(agreement);
    for (let i = from; i < fields.length && !this.#over; i++) {
      const field = fields[i]!;
      if (field.own) continue;
      if (skips.omits('header')) return;
      if (!encodeHeaderField(link.writer, field, space)) this.cutFields++;
      const wait = this.#sent('header', field.raw.length);
      if (wait !== undefined) return wait.then(() => this.#fields(fields, i + 1));
    }
  }

  #fullChunks(): void | Promise<void> {
    const { maxData } = this.#on.agreement;
    while (this.#piecesSize >= maxData && !this.#over) {
      const wait = this.#chunk(maxData);
      if (wait !== undefined) return wait.then(() => this.#fullChunks());
    }
  }

  /** Frames the next `size` body bytes. */
  #chunk(size: number): void | Promise<void> {
    const { link, skips } = this.#on;
    const parts: Uint8Array[] = [];
    let left = size;
    let used = 0;
    while (left > 0) {
      const piece = this.#pieces[used]!;
      if (piece.length <= left) {
        parts.push(piece);
        left -= piece.length;
        used++;
      } else {
        parts.push(piece.subarray(0, left));
        this.#pieces[used] = piece.subarray(left);
        left = 0;
      }
    }
    this.#pieces.splice(0, used);
    this.#piecesSize -= size;
    if (skips.omits('body')) return link.unsent('skip', size);
    encodeBody(link.writer, parts);
    return this.#sent('body', size);
  }

  #end(): void | Promise<void> {
    if (this.#over) return;
    if (this.#piecesSize > 0) {
      const wait = this.#chunk(this.#piecesSize);
      if (wait !== undefined) return wait.then(() => this.#end());
    }
    const { agreement, link, skips } = this.#on;
    skips.omits('end');
    encodeStageMacros(link.writer, agreement, 'end', this.#macros);
    encodeBare(link.writer, 'end');
    link.awaited.asked('end', 5);
    link.flush();
  }

  /** A frame was gathered: notes whether it is to be answered; waits for the answer, or for the window. */
  #sent(event: EventName, size: number): void | Promise<void> {
    const { agreement, link, pipeline } = this.#on;
    if (awaitsAnswer(agreement, event)) {
      link.awaited.asked(event, size);
      if (!pipeline) {
        link.flush();
        if (this.#over) return;
        return new Promise((resolve) => (this.#stepped = resolve));
      }
    } else link.awaited.told(event);
    if (link.writer.size >= GATHER) link.flush();
    return link.pressure();
  }

  /** Lets a waiting step go on. */
  #step(): void {
    const stepped = this.#stepped;
    this.#stepped = null;
    stepped?.();
  }
}
