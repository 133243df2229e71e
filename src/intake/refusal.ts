/**
 * What is refused before any filter is asked. Of a recipient, filters that want to know are told, and so is the log. Never throws.
 */
import type { Origin, Path, Recipient, Status } from '#message';
import { settled, type Awaitable, type Chain } from '#stages';
import { noRoom } from './mail-parameters.ts';
import type { IntakeOptions } from './options.ts';
import { refusedRecipientFacts } from './record.ts';
import { senderRefusal } from './senders.ts';

/** Why this sender, with these parameters, is not let in; null: nothing is against it. */
export function mailRefusal(
  o: Pick<IntakeOptions, 'spool' | 'sendersOf'>,
  user: string,
  sender: Path,
  params: readonly string[],
): Status | null {
  return noRoom(params, o.spool.freeBytes()) ?? senderRefusal(o, user, sender);
}

/** Tells them; the answer is `no` again, the client's reply. */
export function refuseRecipient(
  { notices }: Pick<IntakeOptions, 'notices'>,
  recipient: Recipient,
  no: Status,
  origin: Origin,
  chain: Chain,
): Awaitable<Status> {
  notices('recipient.refused', refusedRecipientFacts(recipient.path.address, no, origin, chain));
  return settled(chain.refusedRecipient(recipient, no), () => no);
}
