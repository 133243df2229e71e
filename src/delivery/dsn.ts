/**
 * Failure notices: whether one is due, to whom, and the spool entry that carries it (RFC 3461, RFC 3464).
 *
 * One notice for all recipients that were lost in one run. Never about a message with the null sender, never for a recipient
 * who asked for none. The notice has the null sender itself, so that nothing answers it. Its text is made in report.ts.
 */
import { bodyOf, bytesOf, parameter } from '#message';
import type { EntryContent, EntryMeta, EntryRecipient, NewEntry } from '#spool';
import { reportOf } from './report.ts';

/** The most of an original message that a notice carries, in bytes. */
export const MAX_RETURNED = 64 * 1024;

/** What a notice needs besides what it is about. */
export interface NoticeFacts {
  readonly id: string;
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Life of the notice in milliseconds. */
  readonly expire: number;
}

/** Those of `lost` that the sender is to be told about; empty when nobody may be told. */
export function toBeTold(entry: EntryMeta, lost: readonly EntryRecipient[]): readonly EntryRecipient[] {
  if (entry.sender === '') return [];
  return lost.filter(({ params }) => {
    const notify = parameter(params, 'NOTIFY');
    return notify === undefined || /(^|,)FAILURE(,|$)/i.test(notify);
  });
}

/** The entry of the notice. `content` is null when the original cannot be read: the notice then goes without it. */
export async function failureNotice(
  entry: EntryMeta,
  told: readonly EntryRecipient[],
  content: EntryContent | null,
  facts: NoticeFacts,
): Promise<NewEntry> {
  const { header, body, needsUtf8, eightBit } = reportOf(
    entry,
    told,
    await returnedPart(entry, content),
    facts,
  );
  const senderParams = [...(eightBit ? ['BODY=8BITMIME'] : []), ...(needsUtf8 ? ['SMTPUTF8'] : [])];
  return {
    meta: {
      id: facts.id,
      state: 'queued',
      receivedAt: facts.now,
      sender: '',
      senderParams,
      recipients: [
        { address: entry.sender, params: ['NOTIFY=NEVER'], state: 'pending', attempts: 0, lastStatus: null },
      ],
      origin: {
        listener: '',
        clientAddress: '',
        clientName: '',
        helo: '',
        user: '',
        localPort: 0,
        source: 'dsn',
      },
      size: header.length + 2 + body.length,
      due: facts.now,
      expiresAt: facts.now + facts.expire,
      attempts: 0,
      hold: null,
      lease: null,
    },
    header: bytesOf(header),
    body: bodyOf([bytesOf(body)]),
  };
}

/** What is sent back: the whole message when it was asked for (RET=FULL) and is small enough, else its header, cut. */
async function returnedPart(
  entry: EntryMeta,
  content: EntryContent | null,
): Promise<{ readonly whole: boolean; readonly bytes: Uint8Array }> {
  if (content === null) return { whole: false, bytes: new Uint8Array() };
  const { header, body } = content;
  const full = parameter(entry.senderParams, 'RET')?.toUpperCase() === 'FULL';
  if (full && header.length + 2 + body.size <= MAX_RETURNED) {
    try {
      const chunks: Uint8Array[] = [header, bytesOf('\r\n')];
      for await (const chunk of body.read()) chunks.push(chunk);
      return { whole: true, bytes: Buffer.concat(chunks) };
    } catch {
      // The body is gone: the header will do.
    }
  }
  if (header.length <= MAX_RETURNED) return { whole: false, bytes: header };
  return { whole: false, bytes: header.subarray(0, header.lastIndexOf(10, MAX_RETURNED - 1) + 1) };
}
