/** A message before the filters and after each of them that changed it. Bounded; bytes as they are. */
import { applyEdits, type BoundEdits, type EditableMessage } from '#edits';
import { printable, utf8Of, type Body, type HeaderField } from '#message';
import type { Edit } from '#milter/protocol';

/** Bytes of a header, and of a body, that are shown. */
const SHOWN = 262_144;

/** One edit as the filter sent it. Text readable and cut. */
export interface EditRecord {
  readonly kind: string;
  readonly name?: string;
  readonly value?: string;
  readonly index?: number;
  readonly address?: string;
  readonly params?: string;
  readonly reason?: string;
  /** Bytes of a new body. */
  readonly bytes?: number;
}

/** The message at one moment. */
export interface Moment {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: Uint8Array;
  /** null: as before. */
  readonly body: Uint8Array | null;
  /** Its size before it was cut; 0 with `body` null. */
  readonly bodySize: number;
}

/** Before and after. */
export interface RunChanges {
  readonly original: Moment;
  /** In configured order; only filters that changed something. */
  readonly steps: readonly (Moment & { readonly milter: string; readonly edits: readonly EditRecord[] })[];
}

/** From the message as received and the edits that were applied. */
export async function changesOf(
  received: EditableMessage,
  applied: readonly BoundEdits[],
  sent: ReadonlyMap<string, readonly Edit[]>,
): Promise<RunChanges> {
  const original = await momentOf(received, received.body);
  const steps = [];
  for (const [i, { by, body }] of applied.entries()) {
    const edits = (sent.get(by) ?? []).slice(0, 1000).map(editRecord);
    if (edits.length === 0) continue;
    const after = applyEdits(received, applied.slice(0, i + 1));
    steps.push({ milter: by, edits, ...(await momentOf(after, body)) });
  }
  return { original, steps };
}

async function momentOf({ envelope, fields }: EditableMessage, body: Body | null): Promise<Moment> {
  return {
    sender: shown(envelope.sender.address),
    recipients: envelope.recipients.slice(0, 1000).map((r) => shown(r.path.address)),
    header: headerOf(fields),
    body: body && (await bytesOfBody(body)),
    bodySize: body?.size ?? 0,
  };
}

const shown = (text: string): string => printable(utf8Of(text), 320);

function headerOf(fields: readonly HeaderField[]): Uint8Array {
  return Buffer.concat(fields.map((f) => f.raw)).subarray(0, SHOWN);
}

async function bytesOfBody(body: Body): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.read()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= SHOWN) break;
  }
  return Buffer.concat(chunks).subarray(0, SHOWN);
}

/** An edit as data for people. */
export function editRecord(edit: Edit): EditRecord {
  const text = (value: string): string => printable(utf8Of(value), 1000);
  switch (edit.kind) {
    case 'addHeader':
      return { kind: edit.kind, name: text(edit.name), value: text(edit.value) };
    case 'insertHeader':
    case 'changeHeader':
      return { kind: edit.kind, index: edit.index, name: text(edit.name), value: text(edit.value) };
    case 'replaceBody':
      return { kind: edit.kind, bytes: edit.chunks.reduce((sum, c) => sum + c.length, 0) };
    case 'addRecipient':
    case 'changeSender':
      return { kind: edit.kind, address: text(edit.address), params: text(edit.params) };
    case 'deleteRecipient':
      return { kind: edit.kind, address: text(edit.address) };
    case 'quarantine':
      return { kind: edit.kind, reason: text(edit.reason) };
  }
}
