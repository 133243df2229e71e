/**
 * Records one SMTP connection: SMTP lines, milter packets, decisions of ours and remarks, part by part.
 *
 * Called on the way of the mail: copies bytes, decodes nothing, never throws, never waits. A part begins with MAIL (part 0 with
 * the connection) and is handed in when its transaction is over and answered, at the latest when the next one begins; what is
 * said afterwards (QUIT) goes with it while it has not been handed in, else it follows as a further piece. Whether a part is
 * kept is decided then, by the policy.
 */
import { latin1 } from '#message';
import type { PartLine } from './line-code.ts';
import type { Capture } from './policy.ts';
import { MAX_SEARCHED } from './row.ts';
import { KIND, LANE, SMTP, Tape, type TapeBudget } from './tape.ts';
import { addCut, packetsIn } from './written.ts';

/** Where recordings go. */
export interface RecorderHome {
  readonly budget: TapeBudget;
  readonly capture: Capture;
  /** 0: there is room; 1: body bytes are not taken; 2: nothing is taken. */
  readonly pressure: 0 | 1 | 2;
  /** Clock.elapsed and Clock.now. */
  elapsed(): number;
  now(): number;
  isPinned(session: string): boolean;
  /** Whether so many more bytes of messages of this session may be kept. */
  mayKeepContent(session: string, bytes: number): boolean;
  take(line: PartLine, recording: Uint8Array): void;
  lost(bytes: number): void;
  /** Its part is over: it wants `handIn` to be called soon. */
  ripe(recorder: Recorder): void;
  closed(recorder: Recorder): void;
}

/** Lanes of one session; further milters share the last. */
const MAX_LANES = 255;
/** Bytes written in one go that are kept as they are. */
const MAX_WRITTEN = 16 * 1024;
/** Bytes up to which there can be no content worth counting in them. */
const SMALL = 1024;
const NOBODY: readonly string[] = [];

/** See the head of the file. */
export class Recorder {
  readonly session: string;
  readonly client: string;
  readonly listener: string;
  readonly #home: RecorderHome;
  readonly #tape: Tape;
  readonly #began: number;
  #lanes: string[] = [];
  /** Bytes of content that are still kept, by lane. */
  #left: number[] = [];
  #body: number;
  #partAt: number;
  #pieceBegan: number;
  #last: number;
  #skipped = 0;
  #handedIn = false;
  /** The part is over and answered. */
  isRipe = false;
  #open = false;
  #over = false;
  #closed = false;
  part = 0;
  #id = '';
  #from = '';
  #to: string[] = [];
  #outcome = '';
  #ms = 0;
  /** Lanes that this part has spoken with. */
  #spoke: boolean[] = [];
  #slowest = 0;
  #errors = 0;

  constructor(home: RecorderHome, session: string, client: string, listener: string) {
    this.#home = home;
    this.session = session;
    this.client = client;
    this.listener = listener;
    this.#tape = new Tape(home.budget);
    this.#body = home.capture.policy.body;
    this.#began = this.#pieceBegan = this.#last = home.elapsed();
    this.#partAt = home.now();
  }

  /** A command line, made fit to be kept. */
  line(text: string): void {
    if (this.#closed) return;
    if (!this.#open && isMail(text)) this.#nextPart();
    this.#text(KIND.smtp, false, LANE.client, SMTP.line, text);
  }

  /** A reply as it is sent, made fit to be kept. */
  reply(text: string): void {
    if (this.#closed) return;
    this.#endContent();
    const class_ = text.charCodeAt(0);
    if (class_ === 52 || class_ === 53) this.#errors++;
    this.#text(KIND.smtp, true, LANE.client, SMTP.reply, text);
    if (!this.#over || this.isRipe) return;
    this.isRipe = true;
    this.#home.ripe(this);
  }

  /** Content of a message as it comes. */
  content(chunk: Uint8Array): void {
    if (this.#closed) return;
    const keep = this.#keepable(LANE.client, chunk.length);
    if (keep === 0) this.#skipped += chunk.length;
    else this.#tape.add(KIND.smtp, false, LANE.client, SMTP.content, this.#at(), chunk, keep);
  }

  /** The lane of a milter, the same for the whole session. */
  lane(milter: string): number {
    const at = this.#lanes.indexOf(milter);
    if (at >= 0) return LANE.milters + at;
    // A new list: the old one may belong to a part that waits to be written.
    if (this.#lanes.length < MAX_LANES - LANE.milters) this.#lanes = [...this.#lanes, milter];
    return LANE.milters + this.#lanes.length - 1;
  }

  /** A milter packet. `at`: Clock.elapsed. */
  packet(lane: number, at: number, sent: boolean, code: number, payload: Uint8Array, isBody: boolean): void {
    if (this.#closed) return;
    const keep = isBody ? this.#keepable(lane, payload.length) : payload.length;
    this.#heard(lane, at);
    this.#tape.add(KIND.milter, sent, lane, code, at - this.#pieceBegan, payload, keep);
  }

  /** What was written to a milter in one go, in pieces that are cut only where a payload begins or goes on. */
  written(lane: number, at: number, pieces: readonly Uint8Array[]): void {
    if (this.#closed) return;
    this.#heard(lane, at);
    let size = 0;
    for (const piece of pieces) size += piece.length;
    if (this.#fits(lane, size))
      this.#tape.addWritten(lane, at - this.#pieceBegan, pieces, size, packetsIn(pieces));
    else addCut(this.#tape, lane, at - this.#pieceBegan, pieces, (bytes) => this.#keepable(lane, bytes));
  }

  /** The packet before answered something sent so many milliseconds ago. */
  answered(waited: number): void {
    if (this.#closed) return;
    this.#tape.waited(waited);
    if (waited > this.#slowest) this.#slowest = waited;
  }

  /** A filter failed. */
  failed(milter: string, why: string): void {
    if (this.#closed) return;
    this.#errors++;
    const lane = this.lane(milter);
    this.#spoke[lane] = true;
    this.#text(KIND.note, false, lane, 0, why);
  }

  /** Bytes from what should be a filter that are no packet. */
  stray(lane: number, bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#spoke[lane] = true;
    this.#text(KIND.note, false, lane, 0, `no milter packet; as text: ${latin1(bytes).trimEnd()}`);
  }

  /** We decided something. */
  decided(what: string): void {
    if (!this.#closed) this.#text(KIND.decision, true, LANE.gateway, 0, what);
  }

  /** A remark about the connection. */
  note(what: string): void {
    if (!this.#closed) this.#text(KIND.note, false, LANE.gateway, 0, what);
  }

  /** A transaction is being opened. */
  begun(id: string, from: string): void {
    this.#open = true;
    this.#id = id;
    this.#from = from;
  }

  /** A recipient was named. */
  recipient(address: string): void {
    if (this.#to.length < MAX_SEARCHED) this.#to.push(address);
  }

  /** The transaction is over; its reply may follow. */
  ended(outcome: string, ms: number): void {
    this.#open = false;
    this.#over = true;
    this.#outcome = outcome;
    this.#ms = ms;
    if (outcome === 'aborted') this.#errors++;
  }

  /** The connection is over. */
  close(): void {
    if (this.#closed) return;
    this.#endContent();
    this.handIn();
    this.#closed = true;
    this.#tape.release();
    this.#home.closed(this);
  }

  /** Hands in what is there of a part that is over. */
  handIn(): void {
    this.isRipe = false;
    if (this.#tape.packets === 0) return;
    const { capture, pressure } = this.#home;
    if (pressure === 1) this.#tape.strip(Infinity);
    if (capture.all || this.#isWanted(capture)) {
      this.#home.lost(pressure === 2 ? this.#tape.bytes : this.#tape.dropped);
      if (pressure < 2) this.#home.take(this.snapshot(), this.#tape.recording);
    }
    this.#handedIn = true;
    this.#tape.clear();
    this.#pieceBegan = this.#home.elapsed();
  }

  /** The part as it stands. */
  snapshot(): PartLine {
    const tape = this.#tape;
    return {
      session: this.session,
      part: this.part,
      id: this.#id,
      at: this.#partAt,
      client: this.client,
      listener: this.listener,
      from: this.#from,
      to: this.#to,
      packets: tape.packets,
      bytes: tape.bytes,
      ms: this.#over ? this.#ms : this.#last - this.#pieceBegan,
      outcome: this.#outcome,
      milters:
        this.#spoke.length === 0 ? NOBODY : this.#lanes.filter((_, i) => this.#spoke[LANE.milters + i]),
      slowest: this.#slowest,
      errors: this.#errors,
      dropped: tape.dropped,
      begin: this.#pieceBegan - this.#began,
      lanes: this.#lanes,
      more: this.#handedIn,
    };
  }

  /** What is recorded and not handed in; a view, good until something happens. */
  get recording(): Uint8Array {
    return this.#tape.recording;
  }

  #isWanted(capture: Capture): boolean {
    if (capture.policy.mode === 'off') return false;
    return this.#home.isPinned(this.session) || capture.keeps(this.snapshot());
  }

  #nextPart(): void {
    this.handIn();
    this.part++;
    this.#handedIn = this.#over = false;
    this.#id = this.#from = this.#outcome = '';
    this.#to = [];
    this.#spoke.length = 0;
    this.#ms = this.#slowest = this.#errors = this.#skipped = 0;
    this.#left.length = 0;
    this.#body = this.#home.capture.policy.body;
    this.#partAt = this.#home.now();
    this.#pieceBegan = this.#last = this.#home.elapsed();
  }

  #endContent(): void {
    if (this.#skipped === 0) return;
    this.#tape.addUnkept(KIND.smtp, false, LANE.client, SMTP.content, this.#at(), this.#skipped);
    this.#skipped = 0;
  }

  /** This lane speaks, at this time. */
  #heard(lane: number, at: number): void {
    this.#spoke[lane] = true;
    this.#last = at;
  }

  /** Takes so many bytes that were written off what is still kept of the lane. False: not all of them are to be kept. */
  #fits(lane: number, size: number): boolean {
    const left = this.#left[lane] ?? this.#body;
    if (this.#home.pressure > 0 || left === 0 || size > left || size > MAX_WRITTEN) return false;
    const kept = size <= SMALL || this.#home.mayKeepContent(this.session, size);
    this.#left[lane] = kept ? left - size : 0;
    return kept;
  }

  #keepable(lane: number, bytes: number): number {
    const left = this.#left[lane] ?? this.#body;
    const keep = Math.min(left, bytes);
    // What is kept of a part is its beginning: after something that was not, nothing is.
    const kept = keep > 0 && this.#home.mayKeepContent(this.session, keep);
    this.#left[lane] = kept ? left - keep : 0;
    return kept ? keep : 0;
  }

  #text(kind: number, sent: boolean, lane: number, code: number, text: string): void {
    this.#tape.addText(kind, sent, lane, code, this.#at(), text);
  }

  #at(): number {
    this.#last = this.#home.elapsed();
    return this.#last - this.#pieceBegan;
  }
}

function isMail(text: string): boolean {
  if ((text.charCodeAt(0) | 32) !== 109 || (text.charCodeAt(1) | 32) !== 97) return false;
  return /^mail(?:\s|$)/i.test(text);
}
