/** Keeps the figures of one filter. Cells are looked up once; counting adds numbers and makes nothing. */
import type { Agreement, Edit, EventName, Verdict } from '#milter/protocol';
import type { Unsent } from '#milter/client';
import type { ConnectResult, FilterMeter, NotAsked } from '#stages';
import type { Buckets, Cell } from './cells.ts';
import type { Figures } from './figures.ts';

/** The words for events; what is asked at the end of the message has the name that filters' authors use. */
const eventLabel = (event: EventName): string => (event === 'end' ? 'eom' : event);

/** Names of edits. */
const EDITS: Readonly<Record<string, string>> = {
  addHeader: 'add_header',
  insertHeader: 'insert_header',
  changeHeader: 'change_header',
  deleteHeader: 'delete_header',
  addRecipient: 'add_rcpt',
  deleteRecipient: 'delete_rcpt',
  changeSender: 'change_from',
  replaceBody: 'replace_body',
  quarantine: 'quarantine',
};

/** The kind of an edit as a label. */
export const editLabel = (kind: string): string => EDITS[kind] ?? 'other';

const RESULTS: readonly ConnectResult[] = ['ok', 'refused', 'timeout', 'tls', 'negotiation'];
const NOT_ASKED: readonly NotAsked[] = ['disabled', 'paused', 'finished', 'backoff'];
const UNSENT: readonly Unsent[] = ['skip', 'unwanted', 'decided'];
const OUTCOMES = ['tempfail', 'reject', 'accept', 'quarantine'];

const hex = (bits: number): string => `0x${(bits >>> 0).toString(16)}`;

/** The answers to one event. */
interface Answers {
  readonly time: Buckets;
  readonly byVerdict: Map<Verdict['kind'], Cell>;
}

/** See above. */
export class FilterFigures implements FilterMeter {
  readonly name: string;
  readonly #figures: Figures;
  readonly #results = new Map<ConnectResult, Cell>();
  readonly #notAsked = new Map<NotAsked, Cell>();
  readonly #unsent = new Map<Unsent, Cell>();
  readonly #connect: Buckets;
  readonly #message: Buckets;
  readonly #sent: Cell;
  readonly #received: Cell;
  readonly #progress: Cell;
  readonly #inFlight: Cell;
  readonly #up: Cell;
  readonly #answers = new Map<EventName, Answers>();
  /** What was negotiated last. */
  #agreement: Agreement | null = null;
  /** Negotiated connections that are open. */
  open = 0;

  constructor(figures: Figures, name: string) {
    this.name = name;
    this.#figures = figures;
    const number = (metric: Parameters<Figures['number']>[0]): Cell => figures.number(metric).cell(name);
    this.#connect = figures.histogram('milter_connect_duration_seconds').cell(name);
    this.#message = figures.histogram('milter_message_duration_seconds').cell(name);
    this.#sent = number('milter_sent_bytes_total');
    this.#received = number('milter_received_bytes_total');
    this.#progress = number('milter_progress_total');
    this.#inFlight = number('milter_in_flight');
    this.#up = number('milter_up');
    number('milter_paused');
    this.#up.n = 1;
    for (const result of RESULTS)
      this.#results.set(result, figures.number('milter_connections_total').cell(name, result));
    for (const reason of NOT_ASKED)
      this.#notAsked.set(reason, figures.number('milter_not_asked_total').cell(name, reason));
    for (const reason of UNSENT)
      this.#unsent.set(reason, figures.number('milter_unsent_bytes_total').cell(name, reason));
    for (const outcome of OUTCOMES) figures.number('milter_error_outcomes_total').cell(name, outcome);
  }

  opened(agreement: Agreement): void {
    this.open++;
    this.#agreement = agreement;
  }

  closed(): void {
    this.open--;
  }

  sent(bytes: number): void {
    this.#sent.n += bytes;
  }

  received(bytes: number): void {
    this.#received.n += bytes;
  }

  answered(event: EventName, verdict: Verdict['kind'], ms: number): void {
    let answers = this.#answers.get(event);
    if (!answers) {
      const time = this.#figures
        .histogram('milter_reply_duration_seconds')
        .cell(this.name, eventLabel(event));
      this.#answers.set(event, (answers = { time, byVerdict: new Map() }));
    }
    let cell = answers.byVerdict.get(verdict);
    if (!cell) {
      cell = this.#figures.number('milter_replies_total').cell(this.name, eventLabel(event), verdict);
      answers.byVerdict.set(verdict, cell);
    }
    cell.n++;
    answers.time.observe(ms / 1000);
    this.#up.n = 1;
  }

  progress(): void {
    this.#progress.n++;
  }

  unsent(reason: Unsent, bytes: number): void {
    this.#unsent.get(reason)!.n += bytes;
  }

  lateEdit(edit: Edit['kind']): void {
    this.#figures.number('milter_edits_refused_total').cell(this.name, editLabel(edit), 'late').n++;
  }

  tried(result: ConnectResult, ms: number): void {
    this.#results.get(result)!.n++;
    this.#connect.observe(ms / 1000);
    this.#up.n = result === 'ok' ? 1 : 0;
  }

  waiting(change: 1 | -1): void {
    this.#inFlight.n += change;
  }

  message(ms: number): void {
    this.#message.observe(ms / 1000);
  }

  notAsked(reason: NotAsked): void {
    this.#notAsked.get(reason)!.n++;
  }

  /** It could not be used. */
  failed(): void {
    this.#up.n = 0;
  }

  /** Writes down what is only known when somebody looks. `idle`: connections that wait for a client. */
  show(idle: number, paused: boolean): void {
    const open = this.#figures.number('milter_connections_open');
    open.cell(this.name, 'idle').n = idle;
    open.cell(this.name, 'busy').n = Math.max(0, this.open - idle);
    this.#figures.number('milter_paused').cell(this.name).n = paused ? 1 : 0;
    if (this.#agreement === null) return;
    const { version, actions, protocol } = this.#agreement;
    this.#figures
      .number('milter_negotiated_info')
      .cell(this.name, String(version), hex(actions), hex(protocol)).n = 1;
  }
}
