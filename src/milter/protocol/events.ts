/**
 * Commands of the MTA as bytes and as values, both directions (milter reference 3, 8, 9, 10, 11).
 *
 * Encoders write one frame into a FrameWriter. `decodeEvent` is the filter's view; it throws `frame_invalid` on a payload that
 * its code does not allow and `unexpected_reply` on a code that is no command. Text is byte strings, never re-coded.
 */
import type { HeaderField } from '#message';
import { MilterProtocolError } from './errors.ts';
import type { Frame, FrameWriter } from './frames.ts';
import { LAW, eventOfCode } from './law.ts';
import { decodeOffer, type Offer } from './negotiation.ts';
import { SMFIC, codeName } from './numbers.ts';
import { Payload } from './payloads.ts';
import type { EventName } from './values.ts';

/** What CONNECT tells of the SMTP client (reference 8). */
export interface ConnectFacts {
  /** Verified client name, or the address in brackets. */
  readonly host: string;
  /** U unknown, L unix, 4 and 6 IP. */
  readonly family: 'U' | 'L' | '4' | '6';
  /** Client port; 0 for L and U. */
  readonly port: number;
  /** Address text or socket path; '' for U. */
  readonly address: string;
}

/** Every command, decoded. */
export type MilterEvent =
  | ({ readonly kind: 'optneg' } & Offer)
  /** `event` is null when the macros belong to a command code nobody knows, or to OPTNEG. */
  | {
      readonly kind: 'macro';
      readonly event: EventName | null;
      readonly pairs: readonly (readonly [name: string, value: string])[];
    }
  | ({ readonly kind: 'connect' } & ConnectFacts)
  | { readonly kind: 'helo'; readonly name: string }
  /** `path` and `params` as sent: one string per ESMTP parameter. */
  | { readonly kind: 'mail' | 'rcpt'; readonly path: string; readonly params: readonly string[] }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  /** `data` is a view; empty for an `end` as both MTAs send it. */
  | { readonly kind: 'body' | 'end'; readonly data: Uint8Array }
  | { readonly kind: 'unknown'; readonly line: string }
  | { readonly kind: 'data' | 'eoh' | 'abort' | 'quit' | 'quitNc' };

const LF = 10;
const CR = 13;
const SPACE = 32;
const MAPPED = /^(?:ipv6:)?::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** CONNECT. An IPv4-mapped IPv6 address goes out as IPv4. */
export function encodeConnect(writer: FrameWriter, facts: ConnectFacts): void {
  const mapped = facts.family === '6' ? MAPPED.exec(facts.address) : null;
  const family = mapped ? '4' : facts.family;
  writer.open(SMFIC.CONNECT).string(facts.host).byte(family.charCodeAt(0));
  if (family !== 'U')
    writer.uint16(family === 'L' ? 0 : facts.port).string(mapped ? mapped[1]! : facts.address);
  writer.close();
}

/** HELO, for HELO, EHLO and LHLO. */
export function encodeHelo(writer: FrameWriter, name: string): void {
  writer.open(SMFIC.HELO).string(name).close();
}

/** MAIL: the path with its brackets, each parameter as its own string. */
export function encodeMail(writer: FrameWriter, path: string, params: readonly string[]): void {
  encodePath(writer, SMFIC.MAIL, path, params);
}

/** RCPT, as MAIL. */
export function encodeRcpt(writer: FrameWriter, path: string, params: readonly string[]): void {
  encodePath(writer, SMFIC.RCPT, path, params);
}

function encodePath(writer: FrameWriter, code: number, path: string, params: readonly string[]): void {
  writer.open(code).string(path);
  for (const param of params) writer.string(param);
  writer.close();
}

/** HEADER from text that is already in wire form: LF folds, leading space as agreed. */
export function encodeHeader(writer: FrameWriter, name: string, value: string): void {
  writer.open(SMFIC.HEADER).string(name).string(value).close();
}

/**
 * HEADER from a field of the message (reference 10): line breaks of folds become LF, and unless `leadingSpace` was agreed one
 * space after the colon goes. A NUL becomes a space. A value that does not fit the writer's frame is cut at its end; returns
 * false then, true when the whole field was written.
 */
export function encodeHeaderField(writer: FrameWriter, field: HeaderField, leadingSpace: boolean): boolean {
  const { raw, name } = field;
  let at = field.valueStart;
  if (!leadingSpace && raw[at] === SPACE && at < raw.length - 2) at++;
  const end = fittingEnd(raw, at, writer.maxPayload - name.length - 2);
  writer.open(SMFIC.HEADER).string(name);
  for (let cr = raw.indexOf(CR, at); cr >= 0 && cr < end; cr = raw.indexOf(CR, cr + 1)) {
    if (raw[cr + 1] !== LF) continue;
    writeText(writer, raw, at, cr);
    at = cr + 1;
  }
  writeText(writer, raw, at, end);
  writer.byte(0).close();
  return end === raw.length - 2;
}

/** Where a field's value must end for `room` bytes of wire; the CR of a fold takes none. */
function fittingEnd(raw: Uint8Array, from: number, room: number): number {
  const whole = raw.length - 2;
  let end = from + Math.max(0, room);
  for (let cr = raw.indexOf(CR, from); end < whole && cr >= 0 && cr < end; cr = raw.indexOf(CR, cr + 1))
    if (raw[cr + 1] === LF) end++;
  return Math.min(end, whole);
}

/** Bytes of a string without its NUL; a NUL inside becomes a space. */
function writeText(writer: FrameWriter, raw: Uint8Array, from: number, to: number): void {
  let at = from;
  for (let nul = raw.indexOf(0, at); nul >= 0 && nul < to; nul = raw.indexOf(0, at)) {
    writer.bytes(raw.subarray(at, nul)).byte(SPACE);
    at = nul + 1;
  }
  if (at < to) writer.bytes(raw.subarray(at, to));
}

/** BODY from one or several pieces, which together are one chunk; large pieces are not copied. */
export function encodeBody(writer: FrameWriter, pieces: readonly Uint8Array[]): void {
  writer.raw(SMFIC.BODY, pieces);
}

/** UNKNOWN: the SMTP line without CRLF. */
export function encodeUnknown(writer: FrameWriter, line: string): void {
  writer.open(SMFIC.UNKNOWN).string(line).close();
}

/** DATA, EOH, BODYEOB, ABORT, QUIT, QUIT_NC: events without payload. */
export function encodeBare(
  writer: FrameWriter,
  event: 'data' | 'eoh' | 'end' | 'abort' | 'quit' | 'quitNc',
): void {
  writer.bare(LAW[event].code);
}

const DATA: MilterEvent = Object.freeze({ kind: 'data' });
const EOH: MilterEvent = Object.freeze({ kind: 'eoh' });
const ABORT: MilterEvent = Object.freeze({ kind: 'abort' });
const QUIT: MilterEvent = Object.freeze({ kind: 'quit' });
const QUIT_NC: MilterEvent = Object.freeze({ kind: 'quitNc' });

/**
 * A command as a value. `strictMacros` refuses MACRO payloads with an odd number of strings or without the last NUL, as strict
 * filters do; otherwise a name without value is dropped and a missing last NUL forgiven (reference 3, 18).
 */
export function decodeEvent(frame: Frame, strictMacros = false): MilterEvent {
  const { code, payload } = frame;
  switch (code) {
    case SMFIC.OPTNEG:
      return { kind: 'optneg', ...decodeOffer(payload) };
    case SMFIC.MACRO:
      return decodeMacro(payload, strictMacros);
    case SMFIC.CONNECT:
      return decodeConnect(payload);
    case SMFIC.HELO:
      return { kind: 'helo', name: only(new Payload(payload, 'HELO')) };
    case SMFIC.MAIL:
      return decodePath('mail', new Payload(payload, 'MAIL'));
    case SMFIC.RCPT:
      return decodePath('rcpt', new Payload(payload, 'RCPT'));
    case SMFIC.DATA:
      return empty(payload, DATA);
    case SMFIC.HEADER: {
      const read = new Payload(payload, 'HEADER');
      const name = read.string();
      return { kind: 'header', name, value: only(read) };
    }
    case SMFIC.EOH:
      return empty(payload, EOH);
    case SMFIC.BODY:
      return { kind: 'body', data: payload };
    case SMFIC.BODYEOB:
      return { kind: 'end', data: payload };
    case SMFIC.UNKNOWN:
      return { kind: 'unknown', line: only(new Payload(payload, 'UNKNOWN')) };
    case SMFIC.ABORT:
      return empty(payload, ABORT);
    case SMFIC.QUIT:
      return empty(payload, QUIT);
    case SMFIC.QUIT_NC:
      return empty(payload, QUIT_NC);
    default:
      throw new MilterProtocolError(
        'unexpected_reply',
        `${codeName(code, SMFIC)} is no command of the milter protocol`,
      );
  }
}

/** The last string of a payload. */
function only(read: Payload): string {
  const text = read.string();
  read.done();
  return text;
}

function empty(payload: Uint8Array, event: MilterEvent): MilterEvent {
  if (payload.length > 0) new Payload(payload, event.kind).done();
  return event;
}

function decodePath(kind: 'mail' | 'rcpt', read: Payload): MilterEvent {
  return { kind, path: read.string(), params: read.strings() };
}

/** The address of family 6 loses Sendmail's `IPv6:` in front. */
function decodeConnect(payload: Uint8Array): MilterEvent {
  const read = new Payload(payload, 'CONNECT');
  const host = read.string();
  const family = String.fromCharCode(read.byte());
  if (family === 'U') {
    read.done();
    return { kind: 'connect', host, family, port: 0, address: '' };
  }
  if (family !== 'L' && family !== '4' && family !== '6')
    throw read.invalid('names an address family nobody knows');
  const port = read.uint16();
  const address = only(read);
  const bare = family === '6' && /^ipv6:/i.test(address) ? address.slice(5) : address;
  return { kind: 'connect', host, family, port, address: bare };
}

function decodeMacro(payload: Uint8Array, strict: boolean): MilterEvent {
  const read = new Payload(payload, 'MACRO');
  const event = eventOfCode(read.byte()) ?? null;
  const words = strict ? read.strings() : read.looseStrings();
  if (strict && words.length % 2 !== 0) throw read.invalid('holds a macro name without a value');
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < words.length; i += 2) pairs.push([words[i]!, words[i + 1]!]);
  return { kind: 'macro', event, pairs };
}
