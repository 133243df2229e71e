/**
 * Recordings as rows: each packet decoded, with its words and waits. What does not decode is shown as it is, with a remark.
 *
 * Nothing a stranger sent gets out raw but in `data`: text is made readable, control characters become `?`. Never throws.
 */
import { latin1, printable, utf8Of } from '#message';
import { Anomalies } from './anomalies.ts';
import type { PacketField, PacketRow } from './conversation.ts';
import type { PartLine } from './line-code.ts';
import { showMilter, type Shown } from './show-milter.ts';
import { KIND, LANE, readTape, SMTP, WRITTEN, type TapeRecord } from './tape.ts';

/** One piece of a part. */
export interface Piece {
  readonly line: PartLine;
  readonly recording: Uint8Array;
}

/** Characters of a summary, and of a value. */
const MAX_SUMMARY = 400;
export const MAX_VALUE = 4000;

/** The rows of pieces that are in order. */
export function showPieces(pieces: readonly Piece[]): readonly PacketRow[] {
  const rows: PacketRow[] = [];
  let part = -1;
  let n = 0;
  let before = 0;
  const odd = new Lanes();
  for (const { line, recording } of pieces) {
    if (line.part !== part) {
      part = line.part;
      n = 0;
    }
    const waits = new Waits();
    for (const record of readTape(recording).flatMap(packetsOf)) {
      const at = Math.round((line.begin + record.at) * 100) / 100;
      rows.push({
        n: ++n,
        part,
        at,
        delta: Math.round((at - before) * 100) / 100,
        ...rowOf(record, line, waits, odd),
      });
      before = at;
    }
  }
  return rows;
}

/** The packets of a record: those of one write are recorded together. */
function packetsOf(record: TapeRecord): TapeRecord | readonly TapeRecord[] {
  const { kind, code, data } = record;
  if (kind !== KIND.milter || code !== WRITTEN) return record;
  const packets: TapeRecord[] = [];
  for (let at = 0; at + HEAD <= data.length;) {
    const end = at + 4 + data.readUInt32BE(at);
    const payload = data.subarray(at + HEAD, Math.max(at + HEAD, end));
    packets.push({ ...record, code: data[at + 4]!, bytes: payload.length, data: payload });
    if (end <= at + 4) break;
    at = end;
  }
  return packets;
}

/** Bytes before the payload of a milter packet: its length and its code. */
const HEAD = 5;

/** What is being waited for, for packets that were not told how long they took. */
class Waits {
  readonly #since = new Map<number, number>();

  of({ kind, sent, lane, code, at, waited }: TapeRecord): number | null {
    if (waited !== null) return waited;
    const asks = kind === KIND.smtp ? !sent : kind === KIND.milter && sent && code === OPTNEG;
    if (asks) {
      this.#since.set(lane, at);
      return null;
    }
    const answers = kind === KIND.smtp ? sent : kind === KIND.milter && !sent && code === OPTNEG;
    const since = answers ? this.#since.get(lane) : undefined;
    if (since === undefined) return null;
    this.#since.delete(lane);
    return Math.round((at - since) * 100) / 100;
  }
}

/** What each filter has said so far. */
class Lanes {
  readonly #lanes = new Map<string, Anomalies>();

  of(lane: string): Anomalies {
    const known = this.#lanes.get(lane) ?? new Anomalies();
    this.#lanes.set(lane, known);
    return known;
  }
}

const OPTNEG = 0x4f;
const KINDS = ['smtp', 'milter', 'decision', 'note'] as const;

function rowOf(
  record: TapeRecord,
  line: PartLine,
  waits: Waits,
  odd: Lanes,
): Omit<PacketRow, 'n' | 'part' | 'at' | 'delta'> {
  const lane = laneName(record.lane, line.lanes);
  const { code, summary, fields, note } =
    record.kind === KIND.milter ? showMilter(record, odd.of(lane)) : shownOf(record);
  return {
    lane,
    direction: record.sent ? 'sent' : 'received',
    kind: KINDS[record.kind],
    code,
    summary,
    fields,
    bytes: record.bytes,
    waited: waits.of(record),
    data: record.data.toString('base64'),
    cut: record.bytes - record.data.length,
    note,
  };
}

function laneName(lane: number, names: readonly string[]): string {
  if (lane === LANE.client) return 'client';
  return lane === LANE.gateway ? 'gateway' : (names[lane - LANE.milters] ?? 'milter');
}

function shownOf(record: TapeRecord): Shown {
  const text = latin1(record.data);
  if (record.kind !== KIND.smtp) return { code: '', summary: readable(text), fields: [], note: '' };
  if (record.code === SMTP.content)
    return { code: 'CONTENT', summary: `${record.bytes} bytes of content`, fields: [], note: '' };
  if (record.code === SMTP.reply) return showReply(text);
  const verb = /^[A-Za-z]{1,12}(?=\s|$)/.exec(text)?.[0].toUpperCase() ?? '';
  return { code: verb, summary: readable(text), fields: [], note: '' };
}

function showReply(text: string): Shown {
  const lines = text.split('\r\n').filter((one) => one !== '');
  const words = lines.map((one) => one.slice(4));
  const code = text.slice(0, 3);
  const fields: PacketField[] =
    lines.length > 1 ? words.map((value, i) => ({ name: String(i + 1), value: readable(value) })) : [];
  return { code, summary: readable(`${code} ${words.join(' / ')}`), fields, note: '' };
}

/** A byte string for people, cut. */
export function readable(text: string, max = MAX_SUMMARY): string {
  return printable(utf8Of(text.length > 4 * max ? text.slice(0, 4 * max) : text), max);
}
