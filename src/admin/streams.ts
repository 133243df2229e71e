/**
 * Server-sent events, kept within bounds: so many streams at a time, a sign of life every 15 seconds, an end with the token or session
 * they were begun with, and an end for a reader that does not read. Nothing is stored up for a reader: whoever writes waits until
 * what was written before is on its way, and what happens meanwhile is told of later, in one.
 */
import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';
import type { Cancel, Clock } from '#clock';
import type { NoticeSink } from '#notices';
import { problem } from './problem.ts';

/** Streams at one time, each door. */
export const MAX_STREAMS = 32;
/** Milliseconds between signs of life, when the right to read is looked at too. */
export const HEARTBEAT = 15_000;
/** Milliseconds that a reader may take for what was written. */
export const SLOW_READER = 20_000;
/** Rows in a second. */
export const ROWS_PER_SECOND = 30;

/** One stream, as its writer sees it. */
export interface EventStream {
  /** Over: nothing that is sent arrives. */
  readonly ended: boolean;
  /** Sends one event; resolves when it is on its way. A reader that is too slow ends the stream. */
  send(event: string, data: unknown, id?: string): Promise<void>;
  /** There is something to look at. */
  poke(): void;
  /** Until somebody pokes, the stream ends, or so many milliseconds are over. A poke since the last time counts. */
  wait(ms: number): Promise<void>;
  /** So many rows may be sent now. */
  allowance(): number;
  spend(rows: number): void;
}

export interface StreamsOptions {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Whether the request that began a stream would be let in now. */
  readonly admitted: (c: Context) => Promise<boolean>;
}

/** Opens streams and counts them. */
export class Streams {
  readonly #o: StreamsOptions;
  #open = 0;

  constructor(options: StreamsOptions) {
    this.#o = options;
  }

  /** How many are open. */
  get open(): number {
    return this.#open;
  }

  /** Lets `work` write to a stream until it resolves or the stream has ended. */
  begin(c: Context, work: (stream: EventStream) => Promise<void>): Response {
    if (this.#open >= MAX_STREAMS) return problem(c, 503, 'too many streams of events are open');
    this.#open++;
    c.header('x-accel-buffering', 'no');
    return streamSSE(c, async (sse) => {
      const stream = new Live(sse, this.#o.clock, () => this.#o.admitted(c));
      try {
        // The head of the answer goes with the first bytes.
        await stream.comment('ready');
        await work(stream);
      } catch (error) {
        const { method, path } = c.req;
        this.#o.notices('admin.fault', { method, path: path.slice(0, 200), error: String(error) });
      } finally {
        this.#open--;
        stream.close();
      }
    });
  }
}

class Live implements EventStream {
  readonly #sse: SSEStreamingApi;
  readonly #clock: Clock;
  readonly #admitted: () => Promise<boolean>;
  #beat: Cancel | null = null;
  #poked = false;
  #wake: (() => void) | null = null;
  #over = false;
  #second = -Infinity;
  #spent = 0;

  constructor(sse: SSEStreamingApi, clock: Clock, admitted: () => Promise<boolean>) {
    this.#sse = sse;
    this.#clock = clock;
    this.#admitted = admitted;
    sse.onAbort(() => this.#end());
    this.#schedule();
  }

  get ended(): boolean {
    return this.#over || this.#sse.aborted || this.#sse.closed;
  }

  async send(event: string, data: unknown, id?: string): Promise<void> {
    const message = { event, data: JSON.stringify(data), ...(id !== undefined && { id }) };
    await this.#within(this.#sse.writeSSE(message));
  }

  async comment(text: string): Promise<void> {
    await this.#within(this.#sse.write(`: ${text}\n\n`));
  }

  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  async wait(ms: number): Promise<void> {
    if (!this.#poked && !this.ended) {
      let cancel: Cancel = () => undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        cancel = this.#clock.after(ms, resolve);
      });
      cancel();
      this.#wake = null;
    }
    this.#poked = false;
  }

  allowance(): number {
    const now = this.#clock.elapsed();
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#spent = 0;
    }
    return Math.max(0, ROWS_PER_SECOND - this.#spent);
  }

  spend(rows: number): void {
    this.#spent += rows;
  }

  close(): void {
    this.#end();
  }

  /** Waits for what was written to be taken, but not for ever. */
  async #within(written: Promise<unknown>): Promise<void> {
    if (this.ended) return;
    let cancel: Cancel = () => undefined;
    const slow = new Promise<'slow'>((resolve) => {
      cancel = this.#clock.after(SLOW_READER, () => resolve('slow'));
    });
    const first = await Promise.race([written, slow]);
    cancel();
    if (first === 'slow') this.#end();
  }

  #schedule(): void {
    this.#beat = this.#clock.after(HEARTBEAT, () => {
      void this.#sign().catch(() => this.#end());
    });
  }

  async #sign(): Promise<void> {
    if (this.ended) return;
    if (!(await this.#admitted())) return this.#end();
    await this.comment('');
    if (!this.ended) this.#schedule();
  }

  /** Ends it, also for a writer that waits. */
  #end(): void {
    this.#over = true;
    this.#beat?.();
    this.#wake?.();
    this.#sse.abort();
  }
}
