/** Into the spool. The instant of commit is the one await here; from there on the message is ours. */
import type { EditableMessage } from '#edits';
import type { Origin, Status } from '#message';
import type { NoticeFields } from '#notices';
import type { EntryMeta } from '#spool';
import { newEntry } from './entry.ts';
import { storageReply } from './incoming.ts';
import type { IntakeOptions } from './options.ts';

/** Commits the message and hands it to delivery. null when it is on disk; else what the client is told. */
export async function keep(
  o: IntakeOptions,
  id: string,
  origin: Origin,
  message: EditableMessage,
): Promise<Status | null> {
  const lease = message.quarantine ? null : (o.handOver?.lease() ?? null);
  const entry = newEntry(message, { id, origin, now: o.clock.now(), expire: o.expire, lease });
  try {
    await o.spool.commit(entry);
  } catch (error) {
    o.notices('message.not-stored', { id, error: error instanceof Error ? error.message : String(error) });
    return storageReply(error);
  }
  o.handOver?.accepted(entry.meta, entry);
  o.notices('message.accepted', acceptedFacts(entry.meta));
  return null;
}

/** The one log line of an accepted message. */
function acceptedFacts(meta: EntryMeta): NoticeFields {
  const { id, sender, size, origin, hold } = meta;
  const to = meta.recipients.map((r) => r.address);
  return {
    id,
    from: sender,
    to,
    size,
    client: origin.clientAddress,
    listener: origin.listener,
    held: hold?.reason,
  };
}
