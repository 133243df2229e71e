/**
 * Notices become log lines: one event, one JSON line on stdout (or a readable one with `format: pretty`).
 *
 * Text in fields is byte strings or plain text, often a stranger's: it is decoded, neutralised and cut here. When stdout cannot
 * be written, lines are dropped and mail keeps flowing (reliability reference 9.5).
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { printable, utf8Of } from '#message';
import { CATALOGUE, type Level, type NoticeFields, type NoticeSink } from '#notices';
import { openOutput, type LogOutput } from './log-output.ts';

/** What the configuration says about the log. */
export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
}

/** Longest text of one field. */
const MAX_FIELD = 1024;

/** Text of one list, in characters; entries beyond it are only counted. */
const MAX_LIST = 4096;

/** The log of the process. */
export interface Log {
  /** Writes to stdout. */
  readonly notices: NoticeSink;
  /** Lines so far, by level. */
  readonly lines: Readonly<Record<Level, number>>;
  /** Lines from now on are written as `options` say. */
  reconfigure(options: LogOptions): void;
  /** Writes what is left, as far as anybody reads it. The last call. */
  close(): Promise<void>;
}

/** A log on stdout. `worker`: the number of this process when it is one of several, said in every line. */
export function openLog(options: LogOptions, worker?: number, output: LogOutput = openOutput()): Log {
  const log = logTo(output, options, worker);
  output.tellLost((lines) => log.notices('gateway.log-lost', { lines }));
  return { ...log, close: () => output.close() };
}

/** A log on any stream that takes lines. */
export function logTo(out: DestinationStream, options: LogOptions, worker?: number): Log {
  const base = worker === undefined ? null : { worker };
  let logger = loggerTo(out, options, base);
  const lines: Record<Level, number> = { debug: 0, info: 0, warn: 0, error: 0 };
  return {
    notices: (name, fields) => {
      const { level, says } = CATALOGUE[name];
      if (!logger.isLevelEnabled(level)) return;
      lines[level]++;
      logger[level](lineOf(name, fields), says);
    },
    lines,
    reconfigure: (next) => void (logger = loggerTo(out, next, base)),
    close: () => Promise.resolve(),
  };
}

function loggerTo(
  out: DestinationStream,
  { level, format }: LogOptions,
  base: { readonly worker: number } | null,
): Logger {
  const pretty: DestinationStream = { write: (line) => out.write(readable(line)) };
  return pino({ level, base, ...LINE }, format === 'pretty' ? pretty : out);
}

const LINE = {
  timestamp: () => `,"time":"${isoTime(Date.now())}"`,
  formatters: { level: (label: string) => ({ level: label }) },
};

let second = -1;
let isoSecond = '';

/** `2026-11-22T18:55:00.123Z`. What the lines of one second share is made once. */
function isoTime(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s !== second) {
    second = s;
    isoSecond = new Date(s * 1000).toISOString().slice(0, -4);
  }
  return `${isoSecond}${String(1000 + ms - s * 1000).slice(1)}Z`;
}

/** What a line says, fit to be read. */
function lineOf(event: string, fields: NoticeFields): NoticeFields {
  const safe: NoticeFields = { event };
  for (const key in fields) {
    const value = fields[key];
    if (value === undefined) continue;
    safe[key] =
      typeof value === 'string'
        ? shown(value)
        : Array.isArray(value)
          ? shownList(value as readonly string[])
          : value;
  }
  return safe;
}

/** A stranger's text on one line, decoded, neutralised and cut. What is cut off anyhow is not looked at. */
function shown(text: string): string {
  if (text.length <= MAX_FIELD && PRINTABLE_ASCII.test(text)) return text;
  if (text.length <= MAX_FIELD) return printable(utf8Of(text), MAX_FIELD);
  // A character of UTF-8 has up to four bytes, and is not cut in two: the rest of the text would not decode.
  let end = 4 * MAX_FIELD;
  while (end < text.length && isContinuation(text.charCodeAt(end))) end--;
  return printable(utf8Of(text.slice(0, end)), MAX_FIELD);
}

/** What needs neither decoding nor neutralising: nearly all there is. */
const PRINTABLE_ASCII = /^[ -~]*$/;

const isContinuation = (code: number): boolean => code >= 0x80 && code <= 0xbf;

/** As many entries as there is room for, and how many are left out. */
function shownList(texts: readonly string[]): readonly string[] {
  const list: string[] = [];
  let size = 0;
  for (const text of texts) {
    if (size > MAX_LIST) {
      list.push(`… ${texts.length - list.length} more`);
      break;
    }
    const one = shown(text);
    size += one.length + 3;
    list.push(one);
  }
  return list;
}

const PLAIN = /^[^\s"'=[\]{}()…]+$/;

function readable(line: string): string {
  const { time, level, msg, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    // What could be taken for the next field, or for none, stands in quotes.
    ([k, v]) => `${k}=${typeof v === 'string' && PLAIN.test(v) ? v : JSON.stringify(v)}`,
  );
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)} (${String(event)}) ${rest.join(' ')}\n`;
}
