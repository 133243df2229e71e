/** Which conversations are kept. Plain data; decided when a part ends. */

/** What must hold of a part that is kept with `matching`: everything that is given. */
export interface CapturePolicy {
  readonly mode: 'all' | 'matching' | 'off';
  /** Addresses or networks (`192.0.2.0/24`, `2001:db8::/32`), any of them. */
  readonly client?: readonly string[];
  /** Any case; `*` stands for any characters. `recipient`: any of the part. */
  readonly sender?: string;
  readonly recipient?: string;
  /** The part spoke with this milter. */
  readonly milter?: string;
  /** Only parts with a refusal, a failed filter or an aborted transaction. */
  readonly errorsOnly?: boolean;
  /** Milliseconds that the part, its idle time not counted, took at least. */
  readonly slowerThan?: number;
  /** Bytes of content that are kept of a part; 0: none. */
  readonly body: number;
}

/** Everything is kept, with the first 64 KiB of content. */
export const KEEP_ALL: CapturePolicy = Object.freeze({ mode: 'all', body: 64 * 1024 });
