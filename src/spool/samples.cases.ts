/** Entries to store in tests: whole ones with defaults, changed as wanted, and bytes to recognise. */
import { ManualClock } from '#clock';
import { bodyOf, bytesOf } from '#message';
import type { Body } from '#message';
import { makeQueueId } from './ids.ts';
import type { EntryMeta, EntryRecipient, NewEntry, SpoolStore } from './store.ts';

const newId = makeQueueId(new ManualClock(1_700_000_000_000));

export function recipient(address: string, more: Partial<EntryRecipient> = {}): EntryRecipient {
  return { address, params: [], state: 'pending', attempts: 0, lastStatus: null, ...more };
}

/** A queued entry due at 1000, changed as wanted. */
export function metaOf(more: Partial<EntryMeta> = {}): EntryMeta {
  return {
    id: newId(),
    state: 'queued',
    receivedAt: 500,
    sender: 'alice@example.org',
    senderParams: ['BODY=8BITMIME'],
    recipients: [recipient('bob@example.net'), recipient('j\xc3\xb6rg@example.net')],
    origin: {
      listener: 'smtp',
      clientAddress: '192.0.2.1',
      clientName: 'client.example',
      helo: 'h\xe9',
      user: '',
      localPort: 25,
      source: 'smtp',
    },
    size: 30,
    due: 1000,
    expiresAt: 1_000_000,
    attempts: 0,
    hold: null,
    lease: null,
    ...more,
  };
}

export function entryOf(
  more: Partial<EntryMeta> = {},
  body: Body = bodyOf([bytesOf('hello\r\n')]),
): NewEntry {
  return { meta: metaOf(more), header: bytesOf('Subject: one\r\nX: \xff\x00\r\n'), body };
}

/** `size` bytes that differ from place to place. */
export function pattern(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let x = seed;
  for (let i = 0; i < size; i++) bytes[i] = x = (x * 73 + 41 + (i >> 8)) & 255;
  return bytes;
}

export async function bytesIn(body: Body): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const idsOf = (metas: readonly EntryMeta[]): string[] => metas.map((meta) => meta.id);

/** One case: what it says, and the run against an empty store. */
export type Case = readonly [says: string, run: (store: SpoolStore) => Promise<void>];
