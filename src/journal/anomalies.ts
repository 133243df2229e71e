/**
 * What is odd about the packets of one filter, in words: answers after ACCEPT, edits that were not negotiated, changes of fields that
 * are not there, a body that is replaced once more. Says too what we did with them.
 *
 * Fed with every packet of a lane, in order. What it cannot know it is silent about: the negotiation may have been before the
 * recording (a connection that is used again), a field may not have been sent to the filter or not be kept. Pure; never throws.
 */
import {
  DATA_SIZE,
  flagNames,
  mayEdit,
  RIGHT_FOR,
  SMFIC,
  SMFIF,
  SMFIR,
  type Answer,
  type Choice,
  type Edit,
  type MilterEvent,
} from '#milter/protocol';

/** A packet that could be decoded, or whose payload is not kept. */
export interface Heard {
  readonly code: number;
  /** Bytes of its payload. */
  readonly bytes: number;
  /** null: it was not decoded. */
  readonly event: MilterEvent | null;
  readonly answer: Answer | null;
}

/** One filter's lane. */
export class Anomalies {
  #offered: number | null = null;
  /** SMFIF bits; null: not known. */
  #granted: number | null = null;
  #accepted = false;
  /** Fields that the filter was sent, by name in lower case; null: not all of them are known. */
  #fields: Map<string, number> | null = new Map();
  /** Bytes of the last packet of a new body; null: none came, or none that another may follow. */
  #body: number | null = null;

  /** Something was sent to the filter. */
  sent({ code, event }: Heard): void {
    if (event?.kind === 'optneg') this.#offered = event.actions;
    if (code === SMFIC.HEADER) this.#field(event);
    if (code === SMFIC.MACRO) return; // may come amid an answer, to wake a filter
    this.#accepted = false;
    this.#body = null;
    if (code === SMFIC.MAIL || code === SMFIC.ABORT || code === SMFIC.QUIT_NC) this.#fields = new Map();
  }

  /** Something came: what is odd about it, or ''. */
  received(heard: Heard): string {
    const { code, answer } = heard;
    if (code === SMFIR.PROGRESS) return '';
    if (answer?.kind === 'optneg') this.#negotiated(answer);
    if (this.#accepted) return 'after ACCEPT: the filter had decided, this counts for nothing';
    if (code === SMFIR.ACCEPT) this.#accepted = true;
    if (code === SMFIR.SKIP) this.#fields = null;
    if (!RIGHT_FOR.has(code)) return '';
    if (this.#granted !== null && !mayEdit(this.#granted, code)) {
      const needed = flagNames(RIGHT_FOR.get(code) ?? 0, SMFIF).join(' or ');
      return `not granted: ${needed} was not negotiated; the filter counts as failed and none of its edits is made`;
    }
    if (code === SMFIR.REPLBODY) return this.#replaced(heard.bytes);
    if (this.#body !== null) this.#body = 0;
    return answer?.kind === 'edit' ? this.#edited(answer.edit) : this.#unread(code);
  }

  #negotiated(choice: Choice): void {
    if (this.#offered !== null) this.#granted = choice.actions & this.#offered;
  }

  #field(event: MilterEvent | null): void {
    if (event?.kind === 'header') this.#count(event.name, 1);
    else this.#fields = null;
  }

  /** An edit whose payload is not kept. */
  #unread(code: number): string {
    if (code === SMFIR.ADDHEADER || code === SMFIR.INSHEADER || code === SMFIR.CHGHEADER) this.#fields = null;
    return '';
  }

  #count(name: string, more: number): void {
    const key = name.toLowerCase();
    this.#fields?.set(key, (this.#fields.get(key) ?? 0) + more);
  }

  #edited(edit: Edit): string {
    if (edit.kind === 'addHeader' || edit.kind === 'insertHeader') this.#count(edit.name, 1);
    if (edit.kind !== 'changeHeader' || this.#fields === null || this.#fields.size === 0) return '';
    const there = this.#fields.get(edit.name.toLowerCase()) ?? 0;
    const deletes = edit.value === '';
    if (Math.max(1, edit.index) <= there) {
      if (deletes) this.#count(edit.name, -1);
      return '';
    }
    if (!deletes) this.#count(edit.name, 1);
    const what = there === 0 ? `there is no ${edit.name}` : `there is no ${edit.name} number ${edit.index}`;
    return deletes ? `${what}: nothing is deleted` : `${what}: it becomes a new field at the end`;
  }

  /** Large bodies come in many packets; one behind a packet that was not full, or behind another edit, is a body of its own. */
  #replaced(bytes: number): string {
    const before = this.#body;
    this.#body = bytes;
    if (before === null || before >= DATA_SIZE.DEFAULT) return '';
    return 'a second new body: its bytes are put behind those that came before';
  }
}
