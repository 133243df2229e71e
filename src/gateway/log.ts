/**
 * Notices become log lines: one event, one JSON line on stdout (or a readable one with `format: pretty`).
 *
 * Text in fields is byte strings or plain text, often a stranger's: it is decoded, neutralised and cut here. When stdout cannot
 * be written, lines are dropped and mail keeps flowing (reliability reference 9.5).
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { printable, utf8Of } from '#message';
import { CATALOGUE, type NoticeFields, type NoticeSink } from '#notices';

/** What the configuration says about the log. */
export interface LogOptions {
  readonly level: string;
  readonly format: 'json' | 'pretty';
}

/** Milliseconds after which a line is written at the latest; under load lines are written together. */
const FLUSH = 50;
/** Longest text of one field. */
const MAX_FIELD = 1024;

/** The log of the process. */
export interface Log {
  /** Writes to stdout. */
  readonly notices: NoticeSink;
  /** Lines from now on are written as `options` say. */
  reconfigure(options: LogOptions): void;
}

/** A log on stdout. */
export function openLog(options: LogOptions): Log {
  const out = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: FLUSH });
  // A closed pipe or a full volume must not end the gateway; pino drops what it cannot write.
  out.on('error', () => undefined);
  return logTo(out, options);
}

/** A log on any stream that takes lines. */
export function logTo(out: DestinationStream, options: LogOptions): Log {
  let logger = loggerTo(out, options);
  return {
    notices: (name, fields) => {
      const { level, says } = CATALOGUE[name];
      if (logger.isLevelEnabled(level)) logger[level]({ event: name, ...clean(fields) }, says);
    },
    reconfigure: (next) => void (logger = loggerTo(out, next)),
  };
}

function loggerTo(out: DestinationStream, { level, format }: LogOptions): Logger {
  const pretty: DestinationStream = { write: (line) => out.write(readable(line)) };
  return pino({ level, ...LINE }, format === 'pretty' ? pretty : out);
}

const LINE = {
  base: null,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label: string) => ({ level: label }) },
};

function clean(fields: NoticeFields): NoticeFields {
  const safe: NoticeFields = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    safe[key] =
      typeof value === 'string'
        ? shown(value)
        : Array.isArray(value)
          ? value.map((v: string) => shown(v))
          : value;
  }
  return safe;
}

const shown = (text: string): string => printable(utf8Of(text), MAX_FIELD);

function readable(line: string): string {
  const { time, level, msg, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(
    ([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`,
  );
  return `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)} (${String(event)}) ${rest.join(' ')}\n`;
}
