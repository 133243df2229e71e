/** Before and after of a message as the journal keeps it. Made when it is written, not on the way of the mail. */
import type { EditableMessage } from '#edits';
import {
  MAX_KEPT_BODY,
  MAX_KEPT_HEADER,
  shown,
  type Changes,
  type ChangeStep,
  type EditRecord,
} from '#journal';
import type { Body, HeaderField } from '#message';
import type { Edit } from '#milter/protocol';
import type { FilterChange } from '#stages';

/** Recipients that are named. */
const MAX_NAMED = 100;
/** Edits of one filter that are kept. */
const MAX_EDITS = 200;

/** Before and after. `begin`: the beginning of a body that is not in memory. */
export function changesOf(
  id: string,
  received: EditableMessage,
  begin: readonly Uint8Array[],
  changes: readonly FilterChange[],
): Changes {
  let { body } = received;
  const steps = changes.map(({ filter, edits, after }): ChangeStep => {
    const same = after.body === body;
    ({ body } = after);
    return {
      milter: filter,
      edits: edits.slice(0, MAX_EDITS).map(recordOf),
      ...envelopeOf(after),
      header: headerOf(after.fields),
      body: same ? null : joined(body.chunks ?? [], MAX_KEPT_BODY),
      bodySize: same ? 0 : body.size,
    };
  });
  const original = {
    ...envelopeOf(received),
    header: headerOf(received.fields),
    body: joined(received.body.chunks ?? begin, MAX_KEPT_BODY),
    bodySize: received.body.size,
  };
  return { id, original, steps };
}

/** About how many bytes that will be. */
export function sizeOfChanges(received: EditableMessage, changes: readonly FilterChange[]): number {
  let { body } = received;
  let size = headerSize(received.fields) + keptOf(body);
  for (const { after } of changes) {
    size += headerSize(after.fields) + (after.body === body ? 0 : keptOf(after.body));
    ({ body } = after);
  }
  return size;
}

const keptOf = ({ size }: Body): number => Math.min(size, MAX_KEPT_BODY);

function headerSize(fields: readonly HeaderField[]): number {
  let size = 0;
  for (const { raw } of fields) size += raw.length;
  return Math.min(size, MAX_KEPT_HEADER);
}

const headerOf = (fields: readonly HeaderField[]): Uint8Array =>
  joined(
    fields.map((f) => f.raw),
    MAX_KEPT_HEADER,
  );

/** The first `most` bytes, in a buffer of their own. */
function joined(chunks: readonly Uint8Array[], most: number): Uint8Array {
  let size = 0;
  for (const chunk of chunks) size += chunk.length;
  const all = new Uint8Array(Math.min(size, most));
  let at = 0;
  for (const chunk of chunks) {
    if (at === all.length) break;
    const part = chunk.length > all.length - at ? chunk.subarray(0, all.length - at) : chunk;
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function envelopeOf({ envelope }: EditableMessage): { sender: string; recipients: readonly string[] } {
  return {
    sender: shown(envelope.sender.address),
    recipients: envelope.recipients.slice(0, MAX_NAMED).map((r) => shown(r.path.address)),
  };
}

function recordOf(edit: Edit): EditRecord {
  const { kind } = edit;
  switch (edit.kind) {
    case 'addHeader':
      return { kind, name: shown(edit.name), value: shown(edit.value) };
    case 'insertHeader':
    case 'changeHeader':
      return { kind, index: edit.index, name: shown(edit.name), value: shown(edit.value) };
    case 'replaceBody':
      return { kind, bytes: edit.chunks.reduce((sum, chunk) => sum + chunk.length, 0) };
    case 'addRecipient':
    case 'changeSender':
      return { kind, address: shown(edit.address), params: shown(edit.params) };
    case 'deleteRecipient':
      return { kind, address: shown(edit.address) };
    case 'quarantine':
      return { kind, reason: shown(edit.reason) };
  }
}
