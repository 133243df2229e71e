/** From what intake tells of a transaction to a row of the history: text made readable and cut. Never throws. */
import type { TransactionFacts } from '#intake';
import { MAX_SUBJECT, shown, type FilterAnswer, type HistoryRow } from '#journal';
import { decodeWords, printable, statusLine, type HeaderField, type TlsFacts } from '#message';
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
    clientName: shown(origin.clientName),
    helo: shown(origin.helo),
    tls: tlsText(origin.tls),
    user: shown(origin.user),
    from: shown(facts.sender),
    to: facts.recipients.map(shown),
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
    error: shown(error),
  };
}

const tlsText = (tls: TlsFacts | null): string => (tls === null ? '' : `${tls.version} ${tls.cipher}`);

/** A filter's name; '' for us. Another server (pass-through) goes by its own. */
export function nameOf(by: string): string {
  if (by === 'millrace') return '';
  return by.startsWith('milter:') ? by.slice(7) : shown(by);
}
