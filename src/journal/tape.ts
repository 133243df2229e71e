/**
 * The packets of one part of a conversation, as they are recorded: raw payloads behind small binary heads, in one growing buffer.
 *
 * Recording copies bytes and decodes nothing; `readTape` cuts a recording into its records again, `show.ts` decodes them. One tape
 * serves part after part of a session. Never holds more than MAX_TAPE: the oldest body bytes are given up first, then what comes
 * last; both are counted. Never throws.
 *
 * A head: kind and direction, lane, code, 0; then as 32-bit numbers, least byte first: offset, wait, bytes, kept. Times in
 * hundredths of a millisecond.
 */

/** Bytes of a part; the oldest body bytes go first. */
export const MAX_TAPE = 1024 * 1024;
/** Room for heads without payload beyond it: then packets are only counted. */
const SPARE = 64 * 1024;
const FIRST = 2048;
/** Room for the heads of what follows a large payload. */
const SLACK = 512;
const HEAD = 20;
/** Text up to here is copied by a loop: that costs less than a call out of the engine. */
const SHORT = 64;
/** A buffer larger than this is not kept for the next part. */
const LARGE = 64 * 1024;

/** What a record is. */
export const KIND = { smtp: 0, milter: 1, decision: 2, note: 3 } as const;
export const SENT = 4;
/** Codes of SMTP records; those of milter records are the protocol's own. */
export const SMTP = { line: 0, reply: 1, content: 2 } as const;
/** Code of a milter record that holds whole packets with their lengths, as they were written. */
export const WRITTEN = 0;
/** Lanes; milters are counted from `milters` on. */
export const LANE = { client: 0, gateway: 1, milters: 2 } as const;
/** Milter codes whose payload is body bytes: BODY sent, REPLBODY received. */
const BODY = 0x42;
const REPLBODY = 0x62;
const NO_WAIT = 0xffffffff;
const LATEST = 0xfffffffe;

/** One record of a tape. */
export interface TapeRecord {
  readonly kind: 0 | 1 | 2 | 3;
  readonly sent: boolean;
  readonly lane: number;
  readonly code: number;
  /** Milliseconds since the part began. */
  readonly at: number;
  /** Milliseconds; null: it answered nothing. */
  readonly waited: number | null;
  /** Bytes of the payload, and those of them that are kept. */
  readonly bytes: number;
  readonly data: Buffer;
}

/** Bytes that all tapes together may grow by; shared by those of a process. */
export interface TapeBudget {
  left: number;
}

/** See the head of the file. */
export class Tape {
  readonly #budget: TapeBudget;
  #buffer = Buffer.allocUnsafeSlow(FIRST);
  /** Where the last record begins; -1: it was only counted. */
  #last = 0;
  /** Body bytes that could be given up. */
  #bodies = 0;
  used = 0;
  packets = 0;
  /** Payload bytes, kept or not; and those that are not kept. */
  bytes = 0;
  dropped = 0;

  constructor(budget: TapeBudget) {
    this.#budget = budget;
  }

  /** The next part. */
  clear(): void {
    if (this.#buffer.length > LARGE) this.release();
    this.used = this.packets = this.bytes = this.dropped = this.#last = this.#bodies = 0;
  }

  /** Gives its memory back. */
  release(): void {
    this.#budget.left += this.#buffer.length - FIRST;
    this.#buffer = Buffer.allocUnsafeSlow(FIRST);
    this.used = 0;
  }

  /** Records bytes, of which at most `keep` are kept. `at`: milliseconds since the part began. */
  add(
    kind: number,
    sent: boolean,
    lane: number,
    code: number,
    at: number,
    payload: Uint8Array,
    keep = Infinity,
  ): void {
    const kept = this.#head(kind, sent, lane, code, at, payload.length, Math.min(payload.length, keep));
    if (kept === payload.length) this.#buffer.set(payload, this.used);
    else if (kept > 0) this.#buffer.set(payload.subarray(0, kept), this.used);
    this.used += kept;
  }

  /** Records what was written to a milter in one go: `packets` of them, `size` bytes. */
  addWritten(lane: number, at: number, pieces: readonly Uint8Array[], size: number, packets: number): void {
    const kept = this.#head(KIND.milter, true, lane, WRITTEN, at, size, size);
    this.packets += packets - 1;
    if (kept < size) return;
    for (const piece of pieces) {
      this.#buffer.set(piece, this.used);
      this.used += piece.length;
    }
  }

  /** The same of a byte string. */
  addText(kind: number, sent: boolean, lane: number, code: number, at: number, text: string): void {
    const kept = this.#head(kind, sent, lane, code, at, text.length, text.length);
    const buffer = this.#buffer;
    const from = this.used;
    if (kept > SHORT) buffer.write(text, from, kept, 'latin1');
    else for (let i = 0; i < kept; i++) buffer[from + i] = text.charCodeAt(i);
    this.used += kept;
  }

  /** Bytes that went by and are not recorded one by one. */
  addUnkept(kind: number, sent: boolean, lane: number, code: number, at: number, bytes: number): void {
    this.#head(kind, sent, lane, code, at, bytes, 0);
  }

  /** The last record answered something that was sent so long ago. */
  waited(ms: number): void {
    if (this.packets > 0 && this.#last >= 0) this.#buffer.writeUInt32LE(hundredths(ms), this.#last + 8);
  }

  /** A view of the recording; good until the next record. */
  get recording(): Buffer {
    return this.#buffer.subarray(0, this.used);
  }

  /** Gives up body bytes, the oldest first, until `room` bytes are free or none are left. */
  strip(room: number): void {
    if (this.#bodies === 0) return;
    const buffer = this.#buffer;
    let to = 0;
    let freed = 0;
    for (let at = 0; at < this.used;) {
      const kept = buffer.readUInt32LE(at + 16);
      const next = at + HEAD + kept;
      const goes = freed < room && kept > 0 && isBody(buffer[at]!, buffer[at + 2]!);
      if (at === this.#last) this.#last = to;
      buffer.copy(buffer, to, at, goes ? at + HEAD : next);
      if (goes) {
        buffer.writeUInt32LE(0, to + 16);
        freed += kept;
        this.dropped += kept;
        this.#bodies -= kept;
      }
      to += goes ? HEAD : HEAD + kept;
      at = next;
    }
    this.used = to;
  }

  /** Writes the head; returns how many bytes of the payload there is room for. */
  #head(
    kind: number,
    sent: boolean,
    lane: number,
    code: number,
    at: number,
    bytes: number,
    keep: number,
  ): number {
    this.bytes += bytes;
    let kept = keep;
    if (this.used + HEAD + kept > MAX_TAPE) {
      this.strip(Math.max(kept, MAX_TAPE / 4));
      if (this.used + HEAD + kept > MAX_TAPE) kept = 0;
    }
    this.packets++;
    if (this.used + HEAD + kept > this.#buffer.length && !this.#grow(this.used + HEAD + kept)) kept = 0;
    this.dropped += bytes - kept;
    this.#last = -1;
    if (this.used + HEAD > this.#buffer.length || this.used + HEAD > MAX_TAPE + SPARE) return 0;
    const buffer = this.#buffer;
    const start = (this.#last = this.used);
    const first = kind | (sent ? SENT : 0);
    if (isBody(first, code)) this.#bodies += kept;
    buffer[start] = first;
    buffer[start + 1] = lane;
    buffer[start + 2] = code;
    buffer[start + 3] = 0;
    put32(buffer, start + 4, hundredths(at));
    put32(buffer, start + 8, NO_WAIT);
    put32(buffer, start + 12, bytes);
    put32(buffer, start + 16, kept);
    this.used += HEAD;
    return kept;
  }

  #grow(needed: number): boolean {
    const size = Math.max(needed + SLACK, 4 * this.#buffer.length);
    const more = size - this.#buffer.length;
    if (more > this.#budget.left) return false;
    this.#budget.left -= more;
    const roomier = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(roomier, 0, 0, this.used);
    this.#buffer = roomier;
    return true;
  }
}

/** The records of a recording, in order; stops where it is damaged. Payloads are views. */
export function readTape(bytes: Uint8Array): readonly TapeRecord[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: TapeRecord[] = [];
  for (let at = 0; at + HEAD <= buffer.length;) {
    const size = buffer.readUInt32LE(at + 12);
    const kept = buffer.readUInt32LE(at + 16);
    const end = at + HEAD + kept;
    if (kept > size || end > buffer.length) break;
    const waited = buffer.readUInt32LE(at + 8);
    records.push({
      kind: (buffer[at]! & 3) as TapeRecord['kind'],
      sent: (buffer[at]! & SENT) !== 0,
      lane: buffer[at + 1]!,
      code: buffer[at + 2]!,
      at: buffer.readUInt32LE(at + 4) / 100,
      waited: waited === NO_WAIT ? null : waited / 100,
      bytes: size,
      data: buffer.subarray(at + HEAD, end),
    });
    at = end;
  }
  return records;
}

/** Whether a record's payload is content of a message. */
export function isBody(first: number, code: number): boolean {
  const kind = first & 3;
  if (kind === KIND.smtp) return code === SMTP.content;
  return kind === KIND.milter && code === ((first & SENT) !== 0 ? BODY : REPLBODY);
}

function hundredths(ms: number): number {
  const value = ms * 100;
  return value >= 0 ? (value < LATEST ? Math.round(value) : LATEST) : 0;
}

function put32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}
