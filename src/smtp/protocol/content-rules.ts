/** What message content may be (RFC 5321 2.3.8, 4.5.3.1; reference reliability 9.1). Types only. */

/** What to do with a CR or LF that stands alone: refuse the content, or complete it to CRLF. NUL is always refused. */
export type BareLineEnds = 'reject' | 'normalise';

/** The rule that content broke first. */
export type ContentFaultKind = 'size' | 'bare-line-end' | 'nul' | 'line-length';

/** Limits of one content; Infinity is no limit, 0 is a limit. */
export interface ContentRules {
  readonly bareLineEnds: BareLineEnds;
  /** Bytes after un-stuffing, line ends included. */
  readonly maxSize: number;
  /** Bytes of one line, without its line end and stuffed dot. */
  readonly maxLineLength: number;
}
