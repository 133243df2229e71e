/** From what intake tells of a transaction to a row of the history: text made readable and cut. Never throws. */
import type { TransactionFacts } from '#intake';
import { MAX_SUBJECT, MAX_TEXT, type FilterAnswer, type HistoryRow } from '#journal';
import { decodeWords, printable, statusLine, utf8Of, type HeaderField, type TlsFacts } from '#message';
import type { FilterRecord } from '#stages';

/** Bytes of a subject that are looked at. */
const SUBJECT_BYTES = 2000;
/** Edits of one filter that are named. */
const MAX_EDITS = 50;

/** The row. `part`: number of the transaction in its session. */
export function rowOf(facts: TransactionFacts, part: number, changed: boolean): HistoryRow {
  const { origin, reply, filters } = facts;
  let filterMs = 0;
  for (const { ms } of filters) filterMs += ms;
  return {
    id: facts.id,
    session: origin.session,
    part,
    at: Math.round(facts.at),
    listener: origin.listener,
    client: origin.remoteAddress,
    clientName: readable(origin.clientName),
    helo: readable(origin.helo),
    tls: tlsText(origin.tls),
    user: readable(origin.user),
    from: readable(facts.sender),
    to: facts.recipients.map(readable),
    recipients: facts.count,
    subject: facts.fields === null ? '' : subjectOf(facts.fields),
    size: facts.size,
    outcome: facts.outcome,
    reply: reply === null ? '' : readable(statusLine(reply)),
    by: nameOf(facts.by),
    filters: filters.map(answerOf),
    ms: facts.ms,
    acceptMs: facts.acceptMs,
    filterMs,
    changed,
    delivery: [],
  };
}

/** A byte string for people, cut. */
export function readable(text: string): string {
  return printable(utf8Of(text), MAX_TEXT);
}

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
    error: readable(error),
  };
}

const tlsText = (tls: TlsFacts | null): string => (tls === null ? '' : `${tls.version} ${tls.cipher}`);

/** A filter's name; '' for us. Another server (pass-through) goes by its own. */
function nameOf(by: string): string {
  if (by === 'millrace') return '';
  return by.startsWith('milter:') ? by.slice(7) : readable(by);
}
