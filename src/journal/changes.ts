/** What filters changed in one message: as it came, and after each filter that changed it. Plain data. */

/** One edit, in the words of the milter protocol. Fields that an edit does not have are absent. Text readable, bounded. */
export interface EditRecord {
  readonly kind: string;
  /** Header field, and its position as the filter gave it. */
  readonly name?: string;
  readonly value?: string;
  readonly index?: number;
  readonly address?: string;
  readonly params?: string;
  readonly reason?: string;
  /** Bytes of a new body. */
  readonly bytes?: number;
}

/** The message after one filter. */
export interface ChangeStep {
  readonly milter: string;
  readonly edits: readonly EditRecord[];
  readonly sender: string;
  readonly recipients: readonly string[];
  /** The header as this filter left it, at most MAX_KEPT_HEADER bytes. */
  readonly header: Uint8Array;
  /** The body it made, at most MAX_KEPT_BODY bytes; null: it left the body alone. */
  readonly body: Uint8Array | null;
  /** Bytes of that body before it was cut; 0 when it left the body alone. */
  readonly bodySize: number;
}

/** Before and after of one message. */
export interface Changes {
  readonly id: string;
  readonly original: {
    readonly sender: string;
    readonly recipients: readonly string[];
    readonly header: Uint8Array;
    readonly body: Uint8Array;
    /** Bytes of the body before it was cut. */
    readonly bodySize: number;
  };
  /** In configured order; only filters that changed something. */
  readonly steps: readonly ChangeStep[];
}

/** Bytes of a header and of a body that are kept. */
export const MAX_KEPT_HEADER = 256 * 1024;
export const MAX_KEPT_BODY = 256 * 1024;
