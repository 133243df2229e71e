/**
 * The two ends a queue command may work at: the API of a running gateway (remote.ts), and the spool itself (local.ts).
 *
 * Both give and take the same values, so that a command does not know which one it has.
 */
import type { Order, VerdictLine } from '#admin';
import type { ActResult, HeldLine, Preview, Shape, Stats, SuspensionLine, TrailRecord, Verb } from '#gateway';
import type { QueueLine } from '#spool';

/** Orders about many entries: by id, by conditions, or (with no conditions) all there are. */
export interface ManyOrders {
  readonly verb: Verb;
  readonly ids?: readonly string[];
  readonly where?: readonly string[];
  readonly order: Order;
  readonly dryRun: boolean;
}

/** What is to be suspended; `for`: milliseconds, absent until it is taken back. */
export interface SuspendOrder {
  readonly kind: 'destination' | 'domain';
  readonly name: string;
  readonly reason: string;
  readonly for?: number;
}

/** What there is to held mail besides. */
export interface HeldEnd {
  /** Held entries that match, oldest first, some at a time. */
  held(where: readonly string[]): AsyncIterable<readonly HeldLine[]>;
  /** A look inside; null when no such entry is held. */
  look(id: string): Promise<Preview | null>;
  /** Who did what to an entry, oldest first. */
  trail(id: string): Promise<readonly TrailRecord[]>;
  /** What the filters would say now. */
  rescan(id: string, skip: readonly string[]): Promise<VerdictLine>;
  /** False when no such entry is held. */
  note(id: string, text: string): Promise<boolean>;
}

/** A place where the queue can be looked at and worked on. Everything rejects with EndError, or with SpoolError of the spool. */
export interface QueueEnd extends HeldEnd {
  /** Entries that match, oldest first, some at a time. */
  list(where: readonly string[]): AsyncIterable<readonly QueueLine[]>;
  show(id: string): Promise<QueueLine | null>;
  /** The message, or its header alone; null when there is none. */
  bytes(id: string, part: 'header' | 'message'): Promise<AsyncIterable<Uint8Array> | null>;
  stats(where: readonly string[]): Promise<Stats>;
  shape(where: readonly string[], by: Shape['by']): Promise<Shape>;
  /** One result for each entry, as it happens. */
  orders(orders: ManyOrders): AsyncIterable<ActResult>;
  suspensions(): Promise<readonly SuspensionLine[]>;
  suspend(what: SuspendOrder): Promise<SuspensionLine>;
  /** False when there is no such suspension. */
  resume(what: Pick<SuspendOrder, 'kind' | 'name'>): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * `unreachable`: nobody answers; `token_refused`: somebody does, and wants another token; `request_refused`: what was asked for
 * cannot be understood; `request_failed`: the other side failed, or broke off.
 */
export class EndError extends Error {
  readonly code: 'unreachable' | 'token_refused' | 'request_refused' | 'request_failed';

  constructor(code: EndError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EndError';
    this.code = code;
  }
}
