/**
 * The content of one message, given to the filters that were told of DATA.
 *
 * Filters that wait for nobody (waves.ts) hear header and body while the client is still sending them; the others are given the
 * message as their predecessors left it, as soon as those have answered. Whatever ran side by side, the result is that of
 * configured order: edits are applied in that order, and the first filter that does not pass decides. One filter's edits are
 * all or nothing. Faults become rulings by the filter's policy; nothing here rejects.
 */
import { applyEdits, bindEdits, envelopeAfter, type BoundEdits, type EditableMessage } from '#edits';
import { status, type HeaderField } from '#message';
import type { MilterContent } from '#milter/client';
import { rightsOf, type Edit } from '#milter/protocol';
import { macrosOf } from './macros.ts';
import { MAX_BEGIN, type ChainObserver, type FilterChange } from './observer.ts';
import { GONE, PASS, type Ruling } from './ruling.ts';
import type { Seat } from './seat.ts';
import type { SessionFacts } from './session.ts';
import type { StageSurroundings } from './settings.ts';
import { waitsFor } from './waves.ts';

/** What the filters made of a message: the message to be queued, or why it is not. */
export type ContentRuling =
  { readonly kind: 'pass'; readonly message: EditableMessage } | Exclude<Ruling, { readonly kind: 'pass' }>;

/** One filter's answer. `edits` null: it changes nothing. */
interface Answer {
  readonly ruling: Ruling;
  readonly edits: BoundEdits | null;
  /** As the filter sent them. */
  readonly sent?: readonly Edit[];
}

/** What a filter could not see whole is not delivered (P18): no frame of the protocol carries the field. */
const TOO_LONG: Ruling = Object.freeze({
  kind: 'refuse',
  status: status(552, '5.3.4', 'Message header field exceeds the limit'),
});

const NO_CHANGE: Answer = { ruling: PASS, edits: null };

/** Gives one message to the filters. */
export class MessageContent {
  readonly #seats: readonly Seat[];
  readonly #facts: SessionFacts;
  readonly #around: StageSurroundings;
  readonly #waits: readonly (readonly number[])[];
  /** By place: the content of filters that hear it while it arrives, null for those that wait. */
  readonly #streams: readonly (MilterContent | null)[];

  readonly #observer: ChainObserver | null;
  /** The beginning of the body, for the observer. */
  readonly #begin: Uint8Array[] = [];
  #begun = 0;

  constructor(
    seats: readonly Seat[],
    facts: SessionFacts,
    around: StageSurroundings,
    observer: ChainObserver | null,
  ) {
    this.#observer = seats.length > 0 ? observer : null;
    this.#seats = seats;
    this.#facts = facts;
    this.#around = around;
    this.#waits = waitsFor(
      seats.map((s) => ({ input: s.settings.input, ...rightsOf(s.conversation.agreement) })),
    );
    this.#streams = seats.map((seat, place) =>
      this.#waits[place]!.length === 0 ? this.#conversation(seat) : null,
    );
  }

  /** Header fields as they become complete. A promise asks the caller to wait. */
  fields(fields: readonly HeaderField[]): void | Promise<void> {
    return this.#each((stream) => stream.fields(fields));
  }

  /** The header is complete. `messageId`: value of its Message-ID field, ''. */
  endOfHeaders(messageId: string): void | Promise<void> {
    this.#facts.messageId = messageId;
    return this.#each((stream) => stream.endOfHeaders());
  }

  /** Body bytes as they arrive. */
  body(chunk: Uint8Array): void | Promise<void> {
    if (this.#observer !== null && this.#begun < MAX_BEGIN) {
      this.#begin.push(chunk);
      this.#begun += chunk.length;
    }
    return this.#each((stream) => stream.body(chunk));
  }

  /** The final dot has come: asks for the verdicts. `received` is the message as received, own trace field included. */
  async finish(received: EditableMessage): Promise<ContentRuling> {
    const { meter, clock } = this.#around;
    const began = meter ? clock.elapsed() : 0;
    const before = this.#facts.waited;
    try {
      const answers: Promise<Answer>[] = [];
      for (const place of this.#seats.keys()) answers.push(this.#answerOf(place, received, answers));
      return await this.#rulingOf(received, answers);
    } finally {
      if (this.#seats.length > 0) meter?.stage('end', clock.elapsed() - began, this.#facts.waited - before);
    }
  }

  /** What the answers, in configured order, come to. */
  async #rulingOf(received: EditableMessage, answers: readonly Promise<Answer>[]): Promise<ContentRuling> {
    const edits: BoundEdits[] = [];
    const sent: (readonly Edit[])[] = [];
    for (const [place, answer] of answers.entries()) {
      const { ruling, edits: made, sent: asSent = [] } = await answer;
      if (ruling.kind !== 'pass') {
        this.#observer?.ruled('data', ruling);
        for (const later of this.#seats.slice(place + 1)) later.leave('off');
        return ruling;
      }
      if (!made) continue;
      edits.push(made);
      sent.push(asSent);
    }
    // Whoever was cut off while the client went away has not been asked: nothing may be accepted on that.
    if (this.#facts.over) return GONE;
    this.#around.watcher?.passed(received, edits);
    const message = applyEdits(received, edits);
    if (this.#observer !== null) this.#tellChanges(this.#observer, received, edits, sent);
    if (message.envelope.recipients.length === 0) return { kind: 'discard', by: emptiedBy(received, edits) };
    const hold = this.#facts.transaction?.hold;
    return { kind: 'pass', message: hold ? { ...message, quarantine: message.quarantine ?? hold } : message };
  }

  /** Never rejects. A filter behind one that ended the message is not asked. */
  async #answerOf(
    place: number,
    received: EditableMessage,
    answers: readonly Promise<Answer>[],
  ): Promise<Answer> {
    const seat = this.#seats[place]!;
    if (!seat.asked) return NO_CHANGE; // it failed or was dropped while the content came
    const stream = this.#streams[place] ?? null;
    const { clock, watcher } = this.#around;
    let began = clock.elapsed();
    let said = '';
    seat.waiting(1);
    try {
      let seen = received;
      let content = stream;
      if (!content) {
        const before = await this.#messageBefore(place, received, answers);
        if (!before || !seat.asked) return NO_CHANGE;
        seen = before;
        began = clock.elapsed();
        content = await this.#present(seat, before);
      }
      const { verdict, edits } = await content.end();
      const ruling = seat.heardContent(verdict);
      said = verdict.kind;
      watcher?.edited(seat.settings.name, edits);
      if (ruling.kind !== 'pass') return { ruling, edits: null };
      if (content.cutFields > 0) return { ruling: TOO_LONG, edits: null };
      const { leadingSpace } = rightsOf(seat.conversation.agreement);
      const bound = bindEdits(seat.settings.name, seen, edits, leadingSpace);
      if (edits.length) this.#note(seat, edits);
      return { ruling, edits: bound, sent: edits };
    } catch (error) {
      if (!seat.asked) return NO_CHANGE; // dropped by us: a filter before it ended the message
      said = 'failed';
      return { ruling: seat.fail(error, 'data'), edits: null };
    } finally {
      seat.waiting(-1);
      seat.waited(began);
      if (said !== '') watcher?.answered(seat.settings.name, 'end', said, clock.elapsed() - began);
    }
  }

  /** The message as the filters before `place` left it; null when one of them ended it. */
  async #messageBefore(
    place: number,
    received: EditableMessage,
    answers: readonly Promise<Answer>[],
  ): Promise<EditableMessage | null> {
    const edits: BoundEdits[] = [];
    for (const at of this.#waits[place]!) {
      const answer = await answers[at]!;
      if (answer.ruling.kind !== 'pass') return null;
      if (answer.edits) edits.push(answer.edits);
    }
    return applyEdits(received, edits);
  }

  /** Gives a filter the message as it stands now. */
  async #present(seat: Seat, message: EditableMessage): Promise<MilterContent> {
    const content = this.#conversation(seat);
    await content.fields(message.fields);
    await content.endOfHeaders();
    if (message.body.chunks) for (const chunk of message.body.chunks) await content.body(chunk);
    else for await (const chunk of message.body.read()) await content.body(chunk);
    return content;
  }

  #conversation(seat: Seat): MilterContent {
    return seat.conversation.content(macrosOf(this.#facts, this.#around, null));
  }

  #each(give: (stream: MilterContent) => void | Promise<void>): void | Promise<void> {
    let waits: Promise<void>[] | null = null;
    for (const stream of this.#streams) {
      const wait = stream ? give(stream) : undefined;
      if (wait) (waits ??= []).push(wait);
    }
    if (waits) return Promise.all(waits).then(() => undefined);
  }

  /** Tells of filters that changed something. */
  #tellChanges(
    observer: ChainObserver,
    received: EditableMessage,
    edits: readonly BoundEdits[],
    sent: readonly (readonly Edit[])[],
  ): void {
    const changes: FilterChange[] = [];
    edits.forEach((made, i) => {
      if (sent[i]!.length === 0) return;
      const after = applyEdits(received, edits.slice(0, i + 1));
      changes.push({ filter: made.by, edits: sent[i]!, after });
    });
    if (changes.length > 0) observer.changed(received, this.#begin, changes);
  }

  #note(seat: Seat, edits: readonly Edit[]): void {
    const names = edits.map((e) => e.kind);
    seat.edited(names);
    this.#around.notices('milter.edited', {
      milter: seat.settings.name,
      session: this.#facts.origin.session,
      id: this.#facts.transaction?.id,
      edits: names,
    });
  }
}

/** The filter that left no recipient: by its name a discarded message is recorded (P2). */
function emptiedBy(received: EditableMessage, filters: readonly BoundEdits[]): string {
  let by = '';
  let { envelope } = received;
  for (const edits of filters) {
    const before = envelope.recipients.length;
    envelope = envelopeAfter(envelope, edits);
    if (before > 0 && envelope.recipients.length === 0) by = edits.by;
  }
  return by;
}
