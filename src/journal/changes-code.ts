/** Before and after as they lie in the store: a JSON index, then the bytes it speaks of. What cannot be read is null. */
import type { Changes, ChangeStep, EditRecord } from './changes.ts';

interface Index {
  readonly v: 1;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: number;
  readonly body: number;
  readonly bodySize: number;
  readonly steps: readonly {
    readonly milter: string;
    readonly edits: readonly EditRecord[];
    readonly sender: string;
    readonly recipients: readonly string[];
    readonly header: number;
    /** -1: the body was left alone. */
    readonly body: number;
    readonly bodySize: number;
  }[];
}

/** All in one buffer of its own. */
export function encodeChanges({ original, steps }: Changes): Buffer {
  const index: Index = {
    v: 1,
    sender: original.sender,
    recipients: original.recipients,
    header: original.header.length,
    body: original.body.length,
    bodySize: original.bodySize,
    steps: steps.map(({ milter, edits, sender, recipients, header, body, bodySize }) => ({
      milter,
      edits,
      sender,
      recipients,
      header: header.length,
      body: body === null ? -1 : body.length,
      bodySize,
    })),
  };
  const head = Buffer.from(JSON.stringify(index), 'utf8');
  const size = Buffer.alloc(4);
  size.writeUInt32LE(head.length);
  const parts: Uint8Array[] = [size, head, original.header, original.body];
  for (const { header, body } of steps) parts.push(header, ...(body === null ? [] : [body]));
  return Buffer.concat(parts);
}

/** The bytes are views of `bytes`. */
export function decodeChanges(id: string, bytes: Buffer): Changes | null {
  try {
    const end = 4 + bytes.readUInt32LE(0);
    const index = JSON.parse(bytes.toString('utf8', 4, end)) as Index;
    let at = end;
    const take = (size: number): Uint8Array => {
      if (at + size > bytes.length) throw new RangeError('cut short');
      return new Uint8Array(bytes.subarray(at, (at += size)));
    };
    const { sender, recipients, bodySize } = index;
    const original = { sender, recipients, header: take(index.header), body: take(index.body), bodySize };
    const steps = index.steps.map((step): ChangeStep => {
      const header = take(step.header);
      return { ...step, header, body: step.body < 0 ? null : take(step.body) };
    });
    return { id, original, steps };
  } catch {
    return null;
  }
}
