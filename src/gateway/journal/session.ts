/** One SMTP connection as the journal hears it: its lines, its filters, its transactions. Called on the way of the mail. */
import type { EditableMessage } from '#edits';
import type { IntakeObserver, TransactionFacts } from '#intake';
import type { Journal, Recorder } from '#journal';
import { statusLine } from '#message';
import type { MilterObserver } from '#milter/client';
import { SMFIR } from '#milter/protocol';
import type { SmtpObserver } from '#smtp/server';
import type { FilterChange, Ruling } from '#stages';
import { changesOf, sizeOfChanges } from './changes.ts';
import { nameOf, RowMaker } from './rows.ts';

/** What the server tells of a session goes to its recorder. */
export function smtpObserver(recorder: Recorder): SmtpObserver {
  return {
    line: (text) => recorder.line(text),
    reply: (text) => recorder.reply(text),
    content: (chunk) => recorder.content(chunk),
    note: (text) => recorder.note(text),
    closed: () => recorder.close(),
  };
}

/** What intake and the filters tell. `recorder` null: nothing is recorded but the rows. */
export class SessionWatch implements IntakeObserver {
  readonly #journal: Journal;
  readonly #recorder: Recorder | null;
  readonly #rows = new RowMaker();
  #id = '';
  #part = 0;
  #changed = false;

  constructor(journal: Journal, recorder: Recorder | null) {
    this.#journal = journal;
    this.#recorder = recorder;
  }

  packets(filter: string): MilterObserver | null {
    const recorder = this.#recorder;
    return recorder && packetObserver(recorder, filter);
  }

  failed(filter: string, why: string): void {
    this.#recorder?.failed(filter, why);
  }

  ruled(stage: string, ruling: Ruling): void {
    if (ruling.kind === 'refuse')
      this.#recorder?.decided(
        `${nameOf(ruling.status.by) || 'the gateway'} decides at ${stage}: ${statusLine(ruling.status)}`,
      );
    else if (ruling.kind === 'discard') this.#recorder?.decided(`${ruling.by} decides at ${stage}: discard`);
  }

  changed(received: EditableMessage, begin: readonly Uint8Array[], changes: readonly FilterChange[]): void {
    const id = this.#id;
    const bytes = sizeOfChanges(received, changes);
    this.#changed = this.#journal.changed(id, bytes, () => changesOf(id, received, begin, changes));
  }

  begun(id: string, sender: string): void {
    this.#id = id;
    this.#changed = false;
    this.#part++;
    this.#recorder?.begun(id, this.#rows.address(sender));
  }

  recipient(address: string): void {
    this.#recorder?.recipient(this.#rows.address(address));
  }

  ended(facts: TransactionFacts): void {
    const recorder = this.#recorder;
    recorder?.ended(facts.outcome, facts.ms);
    this.#journal.row(this.#rows.rowOf(facts, recorder?.part ?? this.#part, this.#changed));
  }
}

function packetObserver(recorder: Recorder, filter: string): MilterObserver {
  const lane = recorder.lane(filter);
  return {
    written: (at, pieces) => recorder.written(lane, at, pieces),
    came: (at, code, payload) => recorder.packet(lane, at, false, code, payload, code === SMFIR.REPLBODY),
    stray: ({ bytes }) => recorder.stray(lane, bytes),
    answered: (_event, _verdict, waited) => recorder.answered(waited),
  };
}
