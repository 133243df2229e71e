/** From what intake tells of a transaction to a row of the history: text made readable and cut. Never throws. */
import type { TransactionFacts } from '#intake';
import { decodeWords, MAX_SUBJECT, shown, type FilterAnswer, type HistoryRow } from '#journal';
import { printable, statusLine, type HeaderField, type Origin, type TlsFacts } from '#message';
import type { FilterRecord } from '#stages';

/** Bytes of a subject that are looked at. */
const SUBJECT_BYTES = 2000;
/** Edits of one filter that are named. */
const MAX_EDITS = 50;

/** Makes the rows of one session: what stays the same in it is made readable once. */
export class RowMaker {
  #origin: Origin | null = null;
  #facts = { clientName: '', helo: '', tls: '', user: '' };
  readonly #addresses = new Map<string, string>();

  /** The row. `part`: number of the transaction in its session. */
  rowOf(facts: TransactionFacts, part: number, changed: boolean): HistoryRow {
    const { origin, reply, filters } = facts;
    const { clientName, helo, tls, user } = this.#factsOf(origin);
    let filterMs = 0;
    for (const { ms } of filters) filterMs += ms;
    const row: HistoryRow = {
      id: facts.id,
      session: origin.session,
      part,
      at: Math.round(facts.at),
      listener: origin.listener,
      client: origin.remoteAddress,
      clientName,
      helo,
      tls,
      user,
      from: this.address(facts.sender),
      to: facts.recipients.map((address) => this.address(address)),
      recipients: facts.count,
      subject: facts.fields === null ? '' : subjectOf(facts.fields),
      size: facts.size,
      outcome: facts.outcome,
      reply: reply === null ? '' : shown(statusLine(reply)),
      by: nameOf(facts.by),
      filters: filters.map(answerOf),
      ms: facts.ms,
      acceptMs: facts.acceptMs,
      filterMs,
      changed,
      delivery: [],
    };
    this.#addresses.clear();
    return row;
  }

  /** An address of the open transaction. */
  address(address: string): string {
    const known = this.#addresses.get(address);
    if (known !== undefined) return known;
    const text = shown(address);
    if (this.#addresses.size < MAX_ADDRESSES) this.#addresses.set(address, text);
    return text;
  }

  #factsOf(origin: Origin): { clientName: string; helo: string; tls: string; user: string } {
    if (origin === this.#origin) return this.#facts;
    this.#origin = origin;
    const { clientName, helo, user, tls } = origin;
    return (this.#facts = {
      clientName: shown(clientName),
      helo: shown(helo),
      tls: tlsText(tls),
      user: shown(user),
    });
  }
}

/** Addresses of a transaction that are remembered. */
const MAX_ADDRESSES = 50;

function subjectOf(fields: readonly HeaderField[]): string {
  for (const field of fields) {
    if (field.name.length !== 7 || field.key !== 'subject') continue;
    return printable(decodeWords(field.text().slice(0, SUBJECT_BYTES)), MAX_SUBJECT);
  }
  return '';
}

function answerOf({ name, verdict, ms, edits, error }: FilterRecord): FilterAnswer {
  return {
    name,
    verdict,
    ms,
    edits: edits.length > MAX_EDITS ? edits.slice(0, MAX_EDITS) : edits,
    error: shown(error),
  };
}

const tlsText = (tls: TlsFacts | null): string => (tls === null ? '' : `${tls.version} ${tls.cipher}`);

/** A filter's name; '' for us. Another server (pass-through) goes by its own. */
export function nameOf(by: string): string {
  if (by === 'millrace') return '';
  return by.startsWith('milter:') ? by.slice(7) : shown(by);
}
