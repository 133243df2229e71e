/**
 * The MTA's end of the conversation: negotiates, sends one event, reads its answer, keeps the trace.
 *
 * Obeys the agreement. Rejects with DriveError when the filter breaks it: silence, an answer nobody waits for, an edit without
 * right, a verdict that is not legal.
 */
import {
  FrameReader,
  FrameWriter,
  LAW,
  agree,
  awaitsAnswer,
  decodeAnswer,
  encodeOffer,
  mayEdit,
  meaningOf,
  type Agreement,
  type Edit,
  type EventName,
  type Frame,
  type Offer,
  type Verdict,
} from '#milter/protocol';
import type { Filter, Log } from '#milter/filter';
import { openChannel, type Channel } from './channel.ts';
import { DriveError } from './error.ts';
import type { Packet } from './result.ts';

/** How the link is made. Times in milliseconds, sizes in bytes. */
export interface LinkOptions {
  readonly offer: Offer;
  readonly over: 'memory' | 'socket';
  readonly piece: number;
  readonly patience: number;
  readonly log: Log;
}

/** Most answers taken from a filter. */
const MAX_FRAME = 64 * 1024 * 1024;

/** See the head of the file. */
export class Link {
  readonly packets: Packet[] = [];
  readonly #options: LinkOptions;
  readonly #reader = new FrameReader(MAX_FRAME);
  readonly #writer = new FrameWriter();
  readonly #traced = new FrameReader(MAX_FRAME);
  #channel: Channel | null = null;
  #agreement: Agreement | null = null;
  #waiting: { resolve(frame: Frame): void; reject(error: Error): void } | null = null;
  #frames: Frame[] = [];
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Opens and negotiates. */
  async open(filter: Filter): Promise<Agreement> {
    const { over, piece, log, offer } = this.#options;
    this.#channel = await openChannel(filter, over, piece, log, {
      data: (chunk) => this.#received(chunk),
      closed: () => this.#over(),
    });
    encodeOffer(this.#writer, offer);
    this.flush();
    const answer = decodeAnswer(await this.#frame('OPTNEG'));
    if (answer.kind !== 'optneg')
      throw new DriveError('unsolicited', `${answer.kind} came in place of the option reply`);
    this.#agreement = agree(offer, answer);
    this.#writer.maxPayload = this.#agreement.maxData;
    return this.#agreement;
  }

  /** Writes frames into the next step. */
  get writer(): FrameWriter {
    return this.#writer;
  }

  /** Sends what was written. */
  flush(): void {
    const parts = this.#writer.take();
    if (parts.length === 0) return;
    for (const part of parts) this.#traced.push(part);
    this.#trace('mta', this.#traced);
    if (this.#closed) throw new DriveError('closed', 'the filter closed the connection');
    this.#channel?.write(parts);
  }

  /** Sends what was written for `event` and waits for its answer, when one is due. */
  async ask(event: EventName): Promise<{ verdict: Verdict; edits: Edit[] }> {
    const agreement = this.#agreement!;
    this.flush();
    const edits: Edit[] = [];
    if (!awaitsAnswer(agreement, event)) return { verdict: { kind: 'continue' }, edits };
    for (;;) {
      const answer = decodeAnswer(await this.#frame(event));
      if (answer.kind === 'progress') continue;
      if (answer.kind === 'optneg') throw new DriveError('unsolicited', 'a second option reply came');
      if (answer.kind === 'verdict') {
        if (meaningOf(agreement, event, answer.verdict.kind) === null)
          throw new DriveError('illegal_verdict', `${answer.verdict.kind} is no legal answer to ${event}`);
        return { verdict: answer.verdict, edits };
      }
      if (!LAW[event].edits) throw new DriveError('illegal_verdict', `an edit came in answer to ${event}`);
      if (!mayEdit(agreement.actions, answer.code))
        throw new DriveError('action_not_granted', `${answer.edit.kind} was sent without the right to it`);
      const last = edits.at(-1);
      if (answer.edit.kind === 'replaceBody' && last?.kind === 'replaceBody')
        edits[edits.length - 1] = { ...last, chunks: [...last.chunks, ...answer.edit.chunks] };
      else edits.push(answer.edit);
    }
  }

  /** Closes both ends. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#channel?.close();
    if (this.#frames.length > 0)
      throw new DriveError('unsolicited', `${this.#frames.length} answers came that nobody waited for`);
  }

  #received(chunk: Uint8Array): void {
    this.#reader.push(chunk);
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      this.packets.push(packet('filter', frame));
      const waiting = this.#waiting;
      this.#waiting = null;
      if (waiting) waiting.resolve(frame);
      else this.#frames.push(frame);
    }
  }

  #over(): void {
    this.#closed = true;
    this.#waiting?.reject(new DriveError('closed', 'the filter closed the connection'));
    this.#waiting = null;
  }

  async #frame(awaited: string): Promise<Frame> {
    const early = this.#frames.shift();
    if (early) return early;
    if (this.#closed) throw new DriveError('closed', `the filter closed the connection before ${awaited}`);
    const { patience } = this.#options;
    let timer: NodeJS.Timeout | undefined = undefined;
    try {
      return await new Promise<Frame>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        timer = setTimeout(() => {
          this.#waiting = null;
          reject(new DriveError('silent', `no answer to ${awaited} within ${patience} ms`));
        }, patience);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #trace(from: Packet['from'], reader: FrameReader): void {
    for (let frame = reader.next(); frame !== null; frame = reader.next())
      this.packets.push(packet(from, frame));
  }
}

function packet(from: Packet['from'], { code, payload }: Frame): Packet {
  return { from, code: String.fromCharCode(code), bytes: payload.slice() };
}
