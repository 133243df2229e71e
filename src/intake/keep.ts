/** Into the spool. The instant of commit is the one await here; from there on the message is ours. */
import type { EditableMessage } from '#edits';
import type { Origin, Status } from '#message';
import type { Chain } from '#stages';
import { newEntry } from './entry.ts';
import { storageReply } from './incoming.ts';
import type { IntakeOptions } from './options.ts';
import { acceptedFacts } from './record.ts';

/** Commits the message and hands it to delivery. null when it is on disk; else what the client is told. */
export async function keep(
  o: IntakeOptions,
  id: string,
  origin: Origin,
  message: EditableMessage,
  chain: Chain,
): Promise<Status | null> {
  const lease = message.quarantine ? null : (o.handOver?.lease() ?? null);
  const entry = newEntry(message, { id, origin, now: o.clock.now(), expire: o.expire, lease });
  const began = o.committed ? o.clock.elapsed() : 0;
  try {
    await o.spool.commit(entry);
  } catch (error) {
    o.notices('message.not-stored', { id, error: error instanceof Error ? error.message : String(error) });
    return storageReply(error);
  }
  o.committed?.(o.clock.elapsed() - began);
  o.handOver?.accepted(entry.meta, entry);
  o.notices('message.accepted', acceptedFacts(entry.meta, origin, chain, o.clock.elapsed()));
  return null;
}
