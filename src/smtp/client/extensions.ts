/** What the next hop offers, read from its answer to EHLO (RFC 5321 4.1.1.1). Pure. */
import type { Status } from '#message';

/** The extensions this client knows how to use. */
export interface Extensions {
  readonly pipelining: boolean;
  readonly startTls: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  readonly mtPriority: boolean;
  readonly size: boolean;
  /** Largest message taken, in bytes; 0 when it is not said. */
  readonly maxSize: number;
  /** SASL mechanisms, in capitals. */
  readonly auth: readonly string[];
}

/** What a peer without EHLO offers. */
export const NO_EXTENSIONS: Extensions = {
  pipelining: false,
  startTls: false,
  eightBitMime: false,
  smtpUtf8: false,
  dsn: false,
  mtPriority: false,
  size: false,
  maxSize: 0,
  auth: [],
};

/** Reads a positive answer to EHLO; what it does not know it passes over. */
export function extensionsOf(reply: Status): Extensions {
  const offered = new Map<string, string>();
  const auth: string[] = [];
  for (const line of reply.text.split('\n').slice(1)) {
    const [keyword = '', value = '', ...more] = line.trim().toUpperCase().split(/[ =]+/);
    offered.set(keyword, value);
    if (keyword === 'AUTH') auth.push(value, ...more);
  }
  const size = offered.get('SIZE');
  return {
    pipelining: offered.has('PIPELINING'),
    startTls: offered.has('STARTTLS'),
    eightBitMime: offered.has('8BITMIME'),
    smtpUtf8: offered.has('SMTPUTF8'),
    dsn: offered.has('DSN'),
    mtPriority: offered.has('MT-PRIORITY'),
    size: size !== undefined,
    maxSize: size !== undefined && /^\d{1,15}$/.test(size) ? Number(size) : 0,
    auth,
  };
}
