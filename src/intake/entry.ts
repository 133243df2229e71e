/** From a filtered message to an entry of the spool. Pure but for the copy of the header into one block. */
import type { EditableMessage } from '#edits';
import {
  asciiLower,
  domainOf,
  localPartOf,
  priorityOf,
  type HeaderField,
  type Origin,
  type Recipient,
} from '#message';
import type { EntryMeta, Lease, NewEntry } from '#spool';

/**
 * By how much a queued entry is due earlier for each step of priority above 0, in milliseconds: where mail has piled up, what is
 * due first is sent first. Mail of lower priority is not held back.
 */
export const HEAD_START = 60_000;

/** What an entry needs besides the message. */
export interface EntryFacts {
  readonly id: string;
  readonly origin: Origin;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds. */
  readonly expire: number;
  readonly lease: Lease | null;
}

/** The entry for a message that is to be queued, or held when a filter asked for quarantine. */
export function newEntry(message: EditableMessage, facts: EntryFacts): NewEntry {
  const header = headerBytes(message.fields);
  const { envelope, quarantine } = message;
  const { origin, now } = facts;
  const lease = quarantine ? null : facts.lease;
  const meta: EntryMeta = {
    id: facts.id,
    state: quarantine ? 'held' : lease ? 'leased' : 'queued',
    receivedAt: now,
    sender: envelope.sender.address,
    senderParams: envelope.senderParams,
    recipients: once(envelope.recipients).map((r) => ({
      address: r.path.address,
      params: r.params,
      state: 'pending',
      attempts: 0,
      lastStatus: null,
    })),
    origin: {
      listener: origin.listener,
      clientAddress: origin.remoteAddress,
      clientName: origin.clientName,
      helo: origin.helo,
      user: origin.user,
      localPort: origin.localPort,
      source: 'smtp',
    },
    size: header.length + 2 + message.body.size,
    due: now - HEAD_START * Math.max(0, priorityOf(envelope.senderParams)),
    expiresAt: now + facts.expire,
    attempts: 0,
    hold: quarantine,
    lease,
  };
  return { meta, header, body: message.body };
}

/** A client may name a recipient twice; it gets one copy. The first naming, with its parameters, counts. */
function once(recipients: readonly Recipient[]): readonly Recipient[] {
  if (recipients.length < 2) return recipients;
  const named = new Map<string, Recipient>();
  for (const r of recipients) {
    const { address } = r.path;
    const key = `${localPartOf(address)}@${asciiLower(domainOf(address))}`;
    if (!named.has(key)) named.set(key, r);
  }
  return [...named.values()];
}

/** Header fields as one block, as it is stored and sent. */
export function headerBytes(fields: readonly HeaderField[]): Uint8Array {
  let size = 0;
  for (const f of fields) size += f.raw.length;
  const all = new Uint8Array(size);
  let at = 0;
  for (const f of fields) {
    all.set(f.raw, at);
    at += f.raw.length;
  }
  return all;
}
