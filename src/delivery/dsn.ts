/**
 * Delivery notices: whether one is due, to whom, and the spool entry that carries it (RFC 3461, RFC 3464).
 *
 * One notice for all recipients that were lost in one run, and one for all that were reached and that the sender asked about; for
 * those that wait see delay.ts.
 * Never about a message with the null sender, never for a recipient who asked for none. A notice has the null sender itself, so
 * that nothing answers it. Its text is made in report.ts.
 */
import { bodyOf, bytesOf, parameter } from '#message';
import type { EntryContent, EntryMeta, EntryRecipient, NewEntry } from '#spool';
import { reportOf } from './report.ts';
import type { Told } from './report.ts';

/** The most of an original message that a notice carries unless told otherwise, in bytes. */
export const MAX_RETURNED = 64 * 1024;

/** What a notice of failure gives back where the sender did not say (`RET`), and the most of it in bytes. */
export interface Returned {
  readonly full: boolean;
  readonly maxSize: number;
}

export const RETURNED: Returned = { full: false, maxSize: MAX_RETURNED };

/** What a notice needs besides what it is about. */
export interface NoticeFacts {
  readonly id: string;
  readonly hostname: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Life of the notice in milliseconds. */
  readonly expire: number;
  /** Default RETURNED. */
  readonly returned?: Returned;
}

/** Those of `lost` that the sender is to be told about; empty when nobody may be told. */
export function toBeTold(entry: EntryMeta, lost: readonly EntryRecipient[]): readonly EntryRecipient[] {
  if (entry.sender === '') return [];
  return lost.filter(({ params }) => {
    const notify = parameter(params, 'NOTIFY');
    return notify === undefined || /(^|,)FAILURE(,|$)/i.test(notify);
  });
}

/** Those of `reached` whose success the sender asked to hear of: `NOTIFY` holds SUCCESS (RFC 3461 4.1). */
export function toBeToldOfSuccess(entry: EntryMeta, reached: readonly Told[]): readonly Told[] {
  if (entry.sender === '' || reached.length === 0) return [];
  return reached.filter(({ params }) => /(^|,)SUCCESS(,|$)/i.test(parameter(params, 'NOTIFY') ?? ''));
}

/** The notice of a loss. `content` is null when the original cannot be read: the notice then goes without it. */
export async function failureNotice(
  entry: EntryMeta,
  told: readonly EntryRecipient[],
  content: EntryContent | null,
  facts: NoticeFacts,
): Promise<NewEntry> {
  const { full, maxSize } = facts.returned ?? RETURNED;
  const asked = parameter(entry.senderParams, 'RET')?.toUpperCase();
  const lost = told.map((r): Told => ({ ...r, action: 'failed' }));
  const part = await returnedPart(content, asked === undefined ? full : asked === 'FULL', maxSize);
  return noticeOf(entry, lost, part, facts);
}

/** The notice that a message is late. The header alone goes back, as with success. */
export async function delayNotice(
  entry: EntryMeta,
  told: readonly EntryRecipient[],
  content: EntryContent | null,
  facts: NoticeFacts,
): Promise<NewEntry> {
  const { maxSize } = facts.returned ?? RETURNED;
  const waiting = told.map((r): Told => ({ ...r, action: 'delayed' }));
  return noticeOf(entry, waiting, await returnedPart(content, false, maxSize), facts);
}

/** The notice of success. RET counts for losses only: the header alone goes back (RFC 3461 4.3). */
export async function successNotice(
  entry: EntryMeta,
  told: readonly Told[],
  content: EntryContent | null,
  facts: NoticeFacts,
): Promise<NewEntry> {
  const { maxSize } = facts.returned ?? RETURNED;
  return noticeOf(entry, told, await returnedPart(content, false, maxSize), facts);
}

function noticeOf(
  entry: EntryMeta,
  told: readonly Told[],
  returned: { readonly whole: boolean; readonly bytes: Uint8Array },
  facts: NoticeFacts,
): NewEntry {
  const { header, body, needsUtf8, eightBit } = reportOf(entry, told, returned, facts);
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

/** What is sent back: the whole message when it was asked for (`full`) and is small enough, else its header, cut. */
async function returnedPart(
  content: EntryContent | null,
  full: boolean,
  maxSize: number,
): Promise<{ readonly whole: boolean; readonly bytes: Uint8Array }> {
  if (content === null) return { whole: false, bytes: new Uint8Array() };
  const { header, body } = content;
  if (full && header.length + 2 + body.size <= maxSize) {
    try {
      const chunks: Uint8Array[] = [header, bytesOf('\r\n')];
      for await (const chunk of body.read()) chunks.push(chunk);
      return { whole: true, bytes: Buffer.concat(chunks) };
    } catch {
      // The body is gone: the header will do.
    }
  }
  if (header.length <= maxSize) return { whole: false, bytes: header };
  const end = maxSize === 0 ? 0 : header.lastIndexOf(10, maxSize - 1) + 1;
  return { whole: false, bytes: header.subarray(0, end) };
}
