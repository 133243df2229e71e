/** Keeps the figures of one listener. Cells are looked up once; counting adds numbers and makes nothing. */
import type { Verb } from '#smtp/protocol';
import type { RefusalReason, SmtpMeter } from '#smtp/server';
import type { Buckets, Cell, HistogramFamily } from './cells.ts';
import type { Figures } from './figures.ts';

/** What became of a transaction, and of a recipient. */
export const OUTCOMES = [
  'accepted',
  'rejected',
  'tempfailed',
  'discarded',
  'quarantined',
  'aborted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

const REFUSALS: readonly RefusalReason[] = [
  'limit',
  'client_limit',
  'milter',
  'proxy',
  'early_talker',
  'shutdown',
];
/** Classes of replies; 0 to 9 are possible first digits. */
const CLASSES = 10;

/** Versions of TLS that have a name of their own. */
const TLS = new Set(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']);

/** The version as a label. */
export function tlsLabel(version: string): string {
  return version === '' ? 'none' : TLS.has(version) ? version : 'other';
}

/** See above. */
export class ListenerMeter implements SmtpMeter {
  readonly #figures: Figures;
  readonly #listener: string;
  readonly #taken: Cell;
  readonly #active: Cell;
  readonly #bytes: Cell;
  readonly #refused = new Map<RefusalReason, Cell>();
  readonly #messages = new Map<Outcome, Cell>();
  readonly #recipients = new Map<Outcome, Cell>();
  readonly #session: Buckets;
  readonly #size: Buckets;
  readonly #accept: Buckets;
  /** By verb: a cell for each class of reply, and the time. Few verbs come, so they are made when they do. */
  readonly #commands = new Map<Verb | null, { readonly cells: (Cell | null)[]; readonly time: Buckets }>();
  readonly #durations: HistogramFamily;

  constructor(figures: Figures, listener: string) {
    this.#figures = figures;
    this.#listener = listener;
    this.#taken = figures.number('smtp_connections_total').cell(listener);
    this.#active = figures.number('smtp_connections_active').cell(listener);
    this.#bytes = figures.number('smtp_received_bytes_total').cell(listener);
    this.#session = figures.histogram('smtp_session_duration_seconds').cell(listener);
    this.#size = figures.histogram('smtp_message_size_bytes').cell(listener);
    this.#accept = figures.histogram('smtp_accept_duration_seconds').cell(listener);
    this.#durations = figures.histogram('smtp_command_duration_seconds');
    const refused = figures.number('smtp_connections_refused_total');
    for (const reason of REFUSALS) this.#refused.set(reason, refused.cell(listener, reason));
    for (const outcome of OUTCOMES)
      this.#messages.set(outcome, figures.number('smtp_messages_total').cell(listener, outcome));
    for (const outcome of ['accepted', 'rejected', 'tempfailed'] as const)
      this.#recipients.set(outcome, figures.number('smtp_recipients_total').cell(listener, outcome));
  }

  opened(): void {
    this.#taken.n++;
    this.#active.n++;
  }

  closed(ms: number): void {
    this.#active.n--;
    this.#session.observe(ms / 1000);
  }

  refused(reason: RefusalReason): void {
    this.#refused.get(reason)!.n++;
  }

  received(bytes: number): void {
    this.#bytes.n += bytes;
  }

  replied(verb: Verb | null, code: number, ms: number): void {
    let command = this.#commands.get(verb);
    if (!command) {
      const time = this.#durations.cell(verb?.toLowerCase() ?? 'other');
      command = { cells: Array.from({ length: CLASSES }, () => null), time };
      this.#commands.set(verb, command);
    }
    const cls = Math.floor(code / 100) % CLASSES;
    const cell = (command.cells[cls] ??= this.#figures
      .number('smtp_commands_total')
      .cell(this.#listener, verb?.toLowerCase() ?? 'other', `${cls}xx`));
    cell.n++;
    command.time.observe(ms / 1000);
  }

  handshake(version: string | null): void {
    this.#figures
      .number('smtp_tls_handshakes_total')
      .cell(this.#listener, tlsLabel(version ?? ''), version === null ? 'failed' : 'ok').n++;
  }

  recipient(code: number): void {
    this.#recipients.get(outcomeOf(code))!.n++;
  }

  content(bytes: number, ms: number): void {
    this.#size.observe(bytes);
    this.#accept.observe(ms / 1000);
  }

  lost(code: number): void {
    this.ended(code === 0 ? 'aborted' : outcomeOf(code));
  }

  /** A transaction is over. */
  ended(outcome: Outcome): void {
    this.#messages.get(outcome)!.n++;
  }
}

function outcomeOf(code: number): 'accepted' | 'rejected' | 'tempfailed' {
  if (code >= 200 && code < 400) return 'accepted';
  return code >= 500 && code < 600 ? 'rejected' : 'tempfailed';
}
