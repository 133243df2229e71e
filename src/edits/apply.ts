/**
 * One filter's edits, all or nothing: bound to the message the filter saw, then applied to the message as it stands.
 *
 * `bindEdits` checks and prepares everything and throws before anything is changed; `applyEdits` cannot fail. A chained filter's edits are applied at once; those of filters asked side by side, in configured order,
 * to the same message. Rules: milter reference 12, 15.2. Pure.
 */
import { bodyOf, printable, type Body, type Envelope, type HeaderField } from '#message';
import type { Edit } from '#milter/protocol';
import { EnvelopeDraft, MAX_RECIPIENTS } from './envelope.ts';
import { EditError } from './error.ts';
import { fieldFromFilter } from './fields.ts';
import { applyHeaderOperations, bindHeaderEdits, type FieldEdit, type HeaderOperation } from './headers.ts';

/** A message as the filters have made it so far. Immutable. */
export interface EditableMessage {
  readonly envelope: Envelope;
  /** Own trace field included. */
  readonly fields: readonly HeaderField[];
  readonly body: Body;
  /** Who wants it held, and why; the first filter that asked. */
  readonly quarantine: { readonly reason: string; readonly by: string } | null;
}

/** One edit of an envelope. */
type EnvelopeChange = (draft: EnvelopeDraft) => void;

/** One filter's edits, checked and bound to the fields it saw. */
export interface BoundEdits {
  readonly by: string;
  readonly headers: readonly HeaderOperation[];
  readonly body: Body | null;
  readonly envelope: readonly EnvelopeChange[];
  readonly quarantine: string | null;
}

/** Indexes from here on are a protocol error, as with Postfix (milter reference 12.2). */
const MAX_INDEX = 0x8000_0000;
/** Longest quarantine reason kept. */
const MAX_REASON = 200;

/**
 * Checks and binds the edits a filter sent, in its order, to the message it saw. `leadingSpace`: HDR_LEADSPC was negotiated.
 * Throws EditError when any of them cannot be carried out; then none of them may be.
 */
export function bindEdits(
  by: string,
  seen: Pick<EditableMessage, 'fields' | 'envelope'>,
  edits: readonly Edit[],
  leadingSpace: boolean,
): BoundEdits {
  const fields: FieldEdit[] = [];
  const envelope: EnvelopeChange[] = [];
  let body: Body | null = null;
  let quarantine: string | null = null;
  let recipients = seen.envelope.recipients.length;
  let at: Edit | undefined;
  try {
    for (const edit of edits) {
      at = edit;
      switch (edit.kind) {
        case 'addHeader':
          fields.push({ kind: 'add', field: fieldFromFilter(edit.name, edit.value, leadingSpace) });
          break;
        case 'insertHeader':
          if (edit.index >= MAX_INDEX) throw new EditError('header_index', `insert at ${edit.index}`);
          fields.push({
            kind: 'insert',
            index: edit.index,
            field: fieldFromFilter(edit.name, edit.value, leadingSpace),
          });
          break;
        case 'changeHeader':
          fields.push(changeOf(edit, leadingSpace));
          break;
        case 'replaceBody':
          body = bodyOf(edit.chunks);
          break;
        case 'addRecipient':
          if (++recipients > MAX_RECIPIENTS)
            throw new EditError('recipients', `more than ${MAX_RECIPIENTS} recipients`);
          envelope.push(tried((e) => e.addRecipient(edit.address, edit.params)));
          break;
        case 'deleteRecipient':
          envelope.push(tried((e) => e.deleteRecipient(edit.address)));
          break;
        case 'changeSender':
          envelope.push(tried((e) => e.changeSender(edit.address, edit.params)));
          break;
        case 'quarantine':
          quarantine ??= printable(edit.reason, MAX_REASON);
          break;
      }
    }
  } catch (error) {
    if (error instanceof EditError) error.edit = at?.kind;
    throw error;
  }
  return { by, headers: bindHeaderEdits(seen.fields, fields), body, envelope, quarantine };
}

/** The message after one or more filters' edits, given in configured order. Never throws: binding has checked everything. */
export function applyEdits(message: EditableMessage, filters: readonly BoundEdits[]): EditableMessage {
  let { envelope, body, quarantine } = message;
  for (const edits of filters) {
    envelope = envelopeAfter(envelope, edits);
    if (edits.body) body = edits.body;
    if (edits.quarantine !== null) quarantine ??= { reason: edits.quarantine, by: edits.by };
  }
  const fields = applyHeaderOperations(
    message.fields,
    filters.map((f) => f.headers),
  );
  return { envelope, fields, body, quarantine };
}

/** The envelope after one filter's edits. */
export function envelopeAfter(envelope: Envelope, edits: BoundEdits): Envelope {
  if (edits.envelope.length === 0) return envelope;
  const draft = new EnvelopeDraft(envelope);
  for (const change of edits.envelope) change(draft);
  return draft.envelope;
}

function changeOf(edit: Edit & { kind: 'changeHeader' }, leadingSpace: boolean): FieldEdit {
  if (edit.index >= MAX_INDEX) throw new EditError('header_index', `change of number ${edit.index}`);
  if (edit.name === '') throw new EditError('header_name', 'change of a header without name');
  const field = edit.value === '' ? null : fieldFromFilter(edit.name, edit.value, leadingSpace);
  return { kind: 'change', index: edit.index, name: edit.name, field };
}

const PROBE: Envelope = { sender: { raw: '<>', address: '' }, senderParams: [], recipients: [] };

/** Runs the change once on an empty envelope, so that what is illegal in it is found before anything is applied. */
function tried(change: EnvelopeChange): EnvelopeChange {
  change(new EnvelopeDraft(PROBE));
  return change;
}
