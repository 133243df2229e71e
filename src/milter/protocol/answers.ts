/**
 * Answers of a filter as bytes and as values, both directions (milter reference 4, 12).
 *
 * `decodeAnswer` is the MTA's view. It is strict: a payload where none belongs, a missing NUL, an index of 2^31 or more, an
 * empty header name are `frame_invalid`; a code that is no answer is `unexpected_reply`. Whether the answer is legal at its
 * event is law.ts's to say. Body bytes are views.
 */
import { MilterProtocolError } from './errors.ts';
import type { Frame, FrameWriter } from './frames.ts';
import { decodeChoice, type Choice } from './negotiation.ts';
import { SMFIF, SMFIR, codeName } from './numbers.ts';
import { Payload } from './payloads.ts';
import type { Edit, Verdict } from './values.ts';

/** Every answer, decoded. */
export type Answer =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'progress' }
  /** One edit frame; `code` is its SMFIR code (ADDRCPT and ADDRCPT_PAR need different rights). */
  | { readonly kind: 'edit'; readonly code: number; readonly edit: Edit }
  | ({ readonly kind: 'optneg' } & Choice);

const verdict = (kind: Exclude<Verdict['kind'], 'replycode'>): Answer =>
  Object.freeze({ kind: 'verdict', verdict: Object.freeze({ kind }) });

const PROGRESS: Answer = Object.freeze({ kind: 'progress' });

const BARE: ReadonlyMap<number, Answer> = new Map([
  [SMFIR.CONTINUE, verdict('continue')],
  [SMFIR.ACCEPT, verdict('accept')],
  [SMFIR.REJECT, verdict('reject')],
  [SMFIR.TEMPFAIL, verdict('tempfail')],
  [SMFIR.DISCARD, verdict('discard')],
  [SMFIR.SKIP, verdict('skip')],
  [SMFIR.SHUTDOWN, verdict('shutdown')],
  [SMFIR.CONN_FAIL, verdict('connfail')],
  [SMFIR.PROGRESS, PROGRESS],
]);

/** An answer as a value; see the head of the file for what it throws. */
export function decodeAnswer(frame: Frame): Answer {
  const { code, payload } = frame;
  const bare = BARE.get(code);
  if (bare !== undefined) {
    if (payload.length > 0) new Payload(payload, codeName(code, SMFIR)).done();
    return bare;
  }
  if (code === SMFIR.OPTNEG) return { kind: 'optneg', ...decodeChoice(payload) };
  if (code === SMFIR.REPLYCODE) {
    const text = only(new Payload(payload, 'REPLYCODE'));
    return { kind: 'verdict', verdict: { kind: 'replycode', text } };
  }
  return { kind: 'edit', code, edit: decodeEdit(code, payload) };
}

function decodeEdit(code: number, payload: Uint8Array): Edit {
  if (code === SMFIR.REPLBODY) return { kind: 'replaceBody', chunks: [payload] };
  const read = new Payload(payload, codeName(code, SMFIR));
  switch (code) {
    case SMFIR.ADDHEADER: {
      const name = headerName(read);
      return { kind: 'addHeader', name, value: only(read) };
    }
    case SMFIR.INSHEADER: {
      const index = position(read);
      const name = headerName(read);
      return { kind: 'insertHeader', index, name, value: only(read) };
    }
    case SMFIR.CHGHEADER: {
      const index = position(read);
      const name = headerName(read);
      return { kind: 'changeHeader', index, name, value: only(read) };
    }
    case SMFIR.ADDRCPT:
      return { kind: 'addRecipient', address: only(read), params: '' };
    case SMFIR.ADDRCPT_PAR: {
      const address = read.string();
      return { kind: 'addRecipient', address, params: optional(read) };
    }
    case SMFIR.DELRCPT:
      return { kind: 'deleteRecipient', address: only(read) };
    case SMFIR.CHGFROM: {
      const address = read.string();
      return { kind: 'changeSender', address, params: optional(read) };
    }
    case SMFIR.QUARANTINE:
      return { kind: 'quarantine', reason: only(read) };
    default:
      throw new MilterProtocolError(
        'unexpected_reply',
        `${codeName(code, SMFIR)} is no answer of the milter protocol`,
      );
  }
}

/** The last string of a payload. */
function only(read: Payload): string {
  const text = read.string();
  read.done();
  return text;
}

/** The parameters, absent or empty when there are none (reference 4). */
function optional(read: Payload): string {
  return read.left === 0 ? '' : only(read);
}

function headerName(read: Payload): string {
  const name = read.string();
  if (name === '') throw read.invalid('lacks the header name');
  return name;
}

function position(read: Payload): number {
  const index = read.uint32();
  if (index >= 0x80000000) throw read.invalid('holds an index of 2^31 or more');
  return index;
}

const CODE_OF: Readonly<Record<Exclude<Verdict['kind'], 'replycode'>, number>> = {
  continue: SMFIR.CONTINUE,
  accept: SMFIR.ACCEPT,
  reject: SMFIR.REJECT,
  tempfail: SMFIR.TEMPFAIL,
  discard: SMFIR.DISCARD,
  skip: SMFIR.SKIP,
  shutdown: SMFIR.SHUTDOWN,
  connfail: SMFIR.CONN_FAIL,
};

/** Writes a verdict. The text of a replycode goes out as it stands; see formatReply. */
export function encodeVerdict(writer: FrameWriter, value: Verdict): void {
  if (value.kind === 'replycode') writer.open(SMFIR.REPLYCODE).string(value.text).close();
  else writer.bare(CODE_OF[value.kind]);
}

/** Writes PROGRESS. */
export function encodeProgress(writer: FrameWriter): void {
  writer.bare(SMFIR.PROGRESS);
}

/**
 * Writes an edit. A recipient without parameters goes as ADDRCPT unless `actions` grants only ADDRCPT_PAR; parameters that are
 * '' are really absent. Each chunk of a body becomes frames no larger than the writer allows; no chunk at all is one empty
 * frame, an empty body.
 */
export function encodeEdit(writer: FrameWriter, edit: Edit, actions: number = SMFIF.ADDRCPT): void {
  switch (edit.kind) {
    case 'addHeader':
      writer.open(SMFIR.ADDHEADER).string(edit.name).string(edit.value).close();
      return;
    case 'insertHeader':
    case 'changeHeader': {
      const code = edit.kind === 'insertHeader' ? SMFIR.INSHEADER : SMFIR.CHGHEADER;
      writer.open(code).uint32(edit.index).string(edit.name).string(edit.value).close();
      return;
    }
    case 'replaceBody':
      encodeReplaceBody(writer, edit.chunks);
      return;
    case 'addRecipient': {
      const plain = edit.params === '' && (actions & SMFIF.ADDRCPT) !== 0;
      writer.open(plain ? SMFIR.ADDRCPT : SMFIR.ADDRCPT_PAR).string(edit.address);
      if (edit.params !== '') writer.string(edit.params);
      writer.close();
      return;
    }
    case 'deleteRecipient':
      writer.open(SMFIR.DELRCPT).string(edit.address).close();
      return;
    case 'changeSender':
      writer.open(SMFIR.CHGFROM).string(edit.address);
      if (edit.params !== '') writer.string(edit.params);
      writer.close();
      return;
    case 'quarantine':
      writer.open(SMFIR.QUARANTINE).string(edit.reason).close();
  }
}

function encodeReplaceBody(writer: FrameWriter, chunks: readonly Uint8Array[]): void {
  let sent = false;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += writer.maxPayload) {
      writer.raw(SMFIR.REPLBODY, [chunk.subarray(at, at + writer.maxPayload)]);
      sent = true;
    }
  }
  if (!sent) writer.raw(SMFIR.REPLBODY, []);
}
