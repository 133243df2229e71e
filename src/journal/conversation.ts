/** Conversations as they are read: one line per part, one row per packet. Plain data. */

/** One part of a conversation: connection and greeting (part 0), or one transaction (1 and up). */
export interface ConversationLine {
  /** Where this line stands in the list: hand it back as `before`. */
  readonly cursor: string;
  readonly session: string;
  readonly part: number;
  /** Queue id, '' when there is none. */
  readonly id: string;
  /** When the part began, milliseconds since 1970. */
  readonly at: number;
  readonly client: string;
  readonly listener: string;
  readonly from: string;
  /** The first recipient named. */
  readonly rcpt: string;
  readonly open: boolean;
  readonly packets: number;
  /** Bytes that went over the wires, kept or not. */
  readonly bytes: number;
  readonly ms: number;
  /** Of the transaction, as in the history; '' while it is open and in part 0. */
  readonly outcome: string;
  readonly milters: readonly string[];
  /** The longest wait for an answer of a filter, in milliseconds. */
  readonly slowest: number;
  readonly errors: number;
  /** Bytes that are not kept. */
  readonly dropped: number;
  readonly pinned: boolean;
}

/** One packet, one SMTP line or reply, one decision of ours, or a remark. */
export interface PacketRow {
  /** From 1, in the order of time, within its part. */
  readonly n: number;
  readonly part: number;
  /** Milliseconds since the session began, with fractions; `delta`: since the row before. */
  readonly at: number;
  readonly delta: number;
  /** `client`, `gateway`, or the name of a milter. */
  readonly lane: string;
  /** From the gateway's point of view. */
  readonly direction: 'sent' | 'received';
  readonly kind: 'smtp' | 'milter' | 'decision' | 'note';
  /** `SMFIC_RCPT`, `SMFIR_CONTINUE`, `RCPT`, `250`. */
  readonly code: string;
  readonly summary: string;
  /** Decoded: macros, arguments, negotiation. */
  readonly fields: readonly PacketField[];
  readonly bytes: number;
  /** Milliseconds from the packet that this one answers; null when it answers none. */
  readonly waited: number | null;
  /** Base64 of what is kept of the payload. */
  readonly data: string;
  /** Payload bytes that are not kept. */
  readonly cut: number;
  /** What is odd about it, in words; ''. */
  readonly note: string;
}

/** A decoded part of a packet. */
export interface PacketField {
  readonly name: string;
  readonly value: string;
}
