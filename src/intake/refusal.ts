/**
 * What is refused before any filter is asked. The log is told, and of a recipient filters that want to know. Never throws.
 */
import type { Origin, Path, Recipient, Status } from '#message';
import { settled, type Awaitable, type Chain } from '#stages';
import { noRoom } from './mail-parameters.ts';
import type { IntakeOptions } from './options.ts';
import { refusedRecipientFacts, refusedSenderFacts } from './record.ts';
import { senderRefusal } from './senders.ts';

/** Why this sender, with these parameters, is not let in; null: nothing is against it. The log is told. */
export function mailRefusal(
  o: Pick<IntakeOptions, 'spool' | 'sendersOf' | 'notices'>,
  origin: Origin,
  sender: Path,
  params: readonly string[],
): Status | null {
  const no = noRoom(params, o.spool.freeBytes()) ?? senderRefusal(o, origin.user, sender);
  if (no) o.notices('sender.refused', refusedSenderFacts(sender.address, params, no, origin));
  return no;
}

/** Tells them; the answer is the client's reply: `no` again, unless a filter ends the session. */
export function refuseRecipient(
  { notices }: Pick<IntakeOptions, 'notices'>,
  recipient: Recipient,
  no: Status,
  origin: Origin,
  chain: Chain,
): Awaitable<Status> {
  notices('recipient.refused', refusedRecipientFacts(recipient.path.address, no, origin, chain));
  return settled(chain.refusedRecipient(recipient, no), (r) => (r.kind === 'refuse' ? r.status : no));
}
